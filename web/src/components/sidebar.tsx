import { useEffect, useRef, useState } from "react";
import type { ConversationSummary } from "../api.ts";
import { goTo } from "../route.ts";
import type { Conversations } from "../use-conversations.ts";
import { ConfirmDelete } from "./confirm-delete.tsx";
import { ConversationRow } from "./conversation-row.tsx";
import { CloseIcon, Logo, PlusIcon } from "./icons.tsx";

interface SidebarProps {
  conversations: Conversations;
  currentId: string;
  /** Matters on narrow screens only, where the sidebar is a drawer. */
  isOpen: boolean;
  onClose: () => void;
  onNew: () => void;
}

export function Sidebar({ conversations, currentId, isOpen, onClose, onNew }: SidebarProps) {
  const [doomed, setDoomed] = useState<ConversationSummary>();
  const remove = async (item: ConversationSummary): Promise<void> => {
    setDoomed(undefined);
    if (item.id === currentId) goTo(undefined);
    await conversations.remove(item.id);
  };

  return (
    <>
      {isOpen && <div className="scrim" aria-hidden="true" onClick={onClose} />}
      <nav
        id="sidebar"
        className="sidebar"
        aria-label="Conversations"
        data-open={isOpen}
        onKeyDown={(event) => {
          if (event.key !== "Escape" || !isOpen) return;
          event.preventDefault();
          onClose();
        }}
      >
        <SidebarHead isOpen={isOpen} onClose={onClose} />
        <button type="button" className="new-chat" onClick={onNew}>
          <PlusIcon /> New chat
        </button>
        {conversations.problem !== undefined && (
          <p className="sidebar-problem" role="status">
            {conversations.problem}
          </p>
        )}
        <ul className="rows">
          {conversations.list.map((item) => (
            <ConversationRow
              key={item.id}
              item={item}
              isCurrent={item.id === currentId}
              onOpen={onClose}
              onRename={(title) => void conversations.rename(item.id, title)}
              onDelete={() => setDoomed(item)}
            />
          ))}
        </ul>
      </nav>
      {doomed !== undefined && (
        <ConfirmDelete
          title={doomed.title}
          onCancel={() => setDoomed(undefined)}
          onConfirm={() => void remove(doomed)}
        />
      )}
    </>
  );
}

/** Takes the focus when the drawer opens, so that the keyboard is where the eyes are. */
function SidebarHead({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const closeButton = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (isOpen) closeButton.current?.focus();
  }, [isOpen]);
  return (
    <div className="sidebar-head">
      <Logo />
      <span className="wordmark">Skipstone</span>
      <button
        ref={closeButton}
        type="button"
        className="icon-button sidebar-close"
        aria-label="Close the list"
        onClick={onClose}
      >
        <CloseIcon />
      </button>
    </div>
  );
}

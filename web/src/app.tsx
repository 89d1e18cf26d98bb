import { generateId } from "ai";
import { useCallback, useEffect, useRef, useState } from "react";
import { ConversationLoader } from "./components/conversation-loader.tsx";
import { MenuIcon } from "./components/icons.tsx";
import { Sidebar } from "./components/sidebar.tsx";
import { goTo, useRoute } from "./route.ts";
import { useConversations } from "./use-conversations.ts";
import { useOnline } from "./use-online.ts";

/** The page: a list of conversations and the one that the address names. */
export function App() {
  const conversations = useConversations();
  const isOnline = useOnline();
  const { id, isNew, startNew, adopt } = useCurrentConversation();
  const [isMenuOpen, setIsMenuOpen] = useState(false);
  const menuButton = useRef<HTMLButtonElement>(null);
  const title = conversations.list.find((item) => item.id === id)?.title ?? "New chat";

  useEffect(() => {
    document.title = title === "New chat" ? "Skipstone" : `${title} · Skipstone`;
  }, [title]);

  const closeMenu = useCallback(() => {
    setIsMenuOpen(false);
    menuButton.current?.focus();
  }, []);
  const onTurn = (): void => {
    adopt();
    void conversations.refresh();
  };

  return (
    <div className="app">
      <a className="skip-link" href="#message" onClick={focusComposer}>
        Skip to message box
      </a>
      <Sidebar
        conversations={conversations}
        currentId={id}
        isOpen={isMenuOpen}
        onClose={closeMenu}
        onNew={() => {
          startNew();
          setIsMenuOpen(false);
        }}
      />
      <main className="main">
        <header className="bar">
          <button
            ref={menuButton}
            type="button"
            className="icon-button bar-menu"
            aria-label="Conversations"
            aria-expanded={isMenuOpen}
            aria-controls="sidebar"
            onClick={() => setIsMenuOpen(true)}
          >
            <MenuIcon />
          </button>
          <h1 className="bar-title">{title}</h1>
        </header>
        {!isOnline && (
          <p className="banner" role="status">
            You are offline. Answers go on without you and appear when you are back.
          </p>
        )}
        <ConversationLoader key={id} id={id} isNew={isNew} onTurn={onTurn} />
      </main>
    </div>
  );
}

/**
 * A new conversation has an id from the start, but the address names it only once something was said, so that a reload
 * of an empty page makes no empty conversation.
 */
function useCurrentConversation() {
  const routeId = useRoute();
  const [draftId, setDraftId] = useState(generateId);
  const id = routeId ?? draftId;
  const adopt = useCallback(() => {
    if (routeId !== undefined) return;
    goTo(draftId, { replace: true });
    setDraftId(generateId()); // or coming back to this conversation later would show it as new, and empty
  }, [routeId, draftId]);
  const startNew = useCallback(() => {
    setDraftId(generateId());
    goTo(undefined);
  }, []);
  return { id, isNew: id === draftId, startNew, adopt };
}

function focusComposer(event: React.MouseEvent): void {
  event.preventDefault(); // the address after # belongs to the conversation
  document.getElementById("message")?.focus();
}

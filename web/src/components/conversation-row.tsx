import { type KeyboardEvent, useState } from "react";
import type { ConversationSummary } from "../api.ts";
import { hrefOf } from "../route.ts";
import { BinIcon, PenIcon } from "./icons.tsx";

interface RowProps {
  item: ConversationSummary;
  isCurrent: boolean;
  onOpen: () => void;
  onRename: (title: string) => void;
  onDelete: () => void;
}

const TITLE_CHARS_MAX = 120;

export function ConversationRow({ item, isCurrent, onOpen, onRename, onDelete }: RowProps) {
  const [isRenaming, setIsRenaming] = useState(false);
  if (isRenaming) {
    const finish = (title: string): void => {
      setIsRenaming(false);
      if (title !== "" && title !== item.title) onRename(title);
    };
    return (
      <li className="row">
        <TitleField title={item.title} onDone={finish} />
      </li>
    );
  }
  return (
    <li className="row" data-current={isCurrent}>
      <a className="row-link" href={hrefOf(item.id)} aria-current={isCurrent ? "page" : undefined} onClick={onOpen}>
        {item.title || "Untitled"}
      </a>
      <span className="row-actions">
        <button
          type="button"
          className="icon-button"
          aria-label={`Rename ${item.title}`}
          onClick={() => setIsRenaming(true)}
        >
          <PenIcon />
        </button>
        <button type="button" className="icon-button" aria-label={`Delete ${item.title}`} onClick={onDelete}>
          <BinIcon />
        </button>
      </span>
    </li>
  );
}

/** Enter and leaving the field keep the new title, Escape the old one. */
function TitleField({ title, onDone }: { title: string; onDone: (title: string) => void }) {
  const [text, setText] = useState(title);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Enter" && !event.nativeEvent.isComposing) onDone(text.trim());
    if (event.key !== "Escape") return;
    event.preventDefault();
    onDone(title);
  };
  return (
    <input
      className="row-input"
      aria-label="Title"
      value={text}
      maxLength={TITLE_CHARS_MAX}
      autoFocus
      onFocus={(event) => event.target.select()}
      onChange={(event) => setText(event.target.value)}
      onKeyDown={onKeyDown}
      onBlur={() => onDone(text.trim())}
    />
  );
}

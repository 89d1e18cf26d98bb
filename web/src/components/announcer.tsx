import type { ChatStatus, UIMessage } from "ai";
import { useEffect, useRef, useState } from "react";
import { textOf } from "../message-text.ts";

const LINES_MAX = 20;

/** For screen readers: each answer once, when it is finished, instead of token by token. */
export function Announcer({ messages, status }: { messages: UIMessage[]; status: ChatStatus }) {
  const [lines, setLines] = useState<{ id: string; text: string }[]>([]);
  const before = useRef(status);

  useEffect(() => {
    const wasBusy = before.current === "submitted" || before.current === "streaming";
    before.current = status;
    const last = messages.at(-1);
    if (!wasBusy || status !== "ready" || last?.role !== "assistant") return;
    setLines((known) => [...known, { id: last.id, text: `Assistant: ${textOf(last)}` }].slice(-LINES_MAX));
  }, [status, messages]);

  return (
    <div className="visually-hidden" role="log" aria-live="polite" aria-label="Finished answers">
      {lines.map((line, index) => (
        <p key={`${line.id}-${index}`}>{line.text}</p>
      ))}
    </div>
  );
}

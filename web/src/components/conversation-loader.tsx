import type { UIMessage } from "ai";
import { useEffect, useState } from "react";
import { readMessages } from "../api.ts";
import { ConversationView } from "./conversation-view.tsx";

type Loading = { kind: "loading" } | { kind: "failed"; words: string } | { kind: "loaded"; messages: UIMessage[] };

/** Reads the history first, so that a running answer is resumed behind what was said before it. */
export function ConversationLoader(props: { id: string; isNew: boolean; onTurn: () => void }) {
  // Whether it is new is decided once: the first message must not make this window load what it is just showing.
  const [isNew] = useState(props.isNew);
  const [loading, setLoading] = useState<Loading>(() =>
    isNew ? { kind: "loaded", messages: [] } : { kind: "loading" },
  );
  const { id } = props;

  useEffect(() => {
    if (loading.kind !== "loading") return;
    let isStale = false;
    readMessages(id).then(
      (messages) => !isStale && setLoading({ kind: "loaded", messages }),
      (error: unknown) => !isStale && setLoading({ kind: "failed", words: inWords(error) }),
    );
    return () => {
      isStale = true;
    };
  }, [id, loading.kind]);

  if (loading.kind === "loaded") {
    return <ConversationView id={id} initialMessages={loading.messages} isNew={isNew} onTurn={props.onTurn} />;
  }
  if (loading.kind === "failed") {
    return (
      <div className="center">
        <div className="notice notice-error" role="alert">
          <p>{loading.words}</p>
          <button type="button" className="button" onClick={() => setLoading({ kind: "loading" })}>
            Try again
          </button>
        </div>
      </div>
    );
  }
  return (
    <div className="center" role="status">
      <span className="dots" aria-hidden="true" />
      <span className="visually-hidden">Loading the conversation</span>
    </div>
  );
}

function inWords(error: unknown): string {
  if (error instanceof TypeError) return "The conversation cannot be loaded: the server cannot be reached.";
  return error instanceof Error ? error.message : "The conversation cannot be loaded.";
}

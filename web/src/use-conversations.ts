import { useCallback, useEffect, useState } from "react";
import { type ConversationSummary, deleteConversation, listConversations, renameConversation } from "./api.ts";

export interface Conversations {
  list: ConversationSummary[];
  /** In words, when the list could not be read or changed. */
  problem: string | undefined;
  refresh(): Promise<void>;
  rename(conversationId: string, title: string): Promise<void>;
  remove(conversationId: string): Promise<void>;
}

/** The list in the sidebar. Changes show at once and are taken back if the server refuses them. */
export function useConversations(): Conversations {
  const [list, setList] = useState<ConversationSummary[]>([]);
  const [problem, setProblem] = useState<string>();

  const refresh = useCallback(async () => {
    try {
      setList(await listConversations());
      setProblem(undefined);
    } catch (error) {
      setProblem(inWords(error));
    }
  }, []);

  useEffect(() => {
    void refresh();
    const onReturn = (): void => void refresh();
    window.addEventListener("focus", onReturn);
    window.addEventListener("online", onReturn);
    return () => {
      window.removeEventListener("focus", onReturn);
      window.removeEventListener("online", onReturn);
    };
  }, [refresh]);

  const change = async (next: ConversationSummary[], request: () => Promise<void>): Promise<void> => {
    setList(next);
    try {
      await request();
    } catch (error) {
      await refresh();
      setProblem(inWords(error));
    }
  };

  return {
    list,
    problem,
    refresh,
    rename: (id, title) =>
      change(
        list.map((item) => (item.id === id ? { ...item, title } : item)),
        () => renameConversation(id, title),
      ),
    remove: (id) =>
      change(
        list.filter((item) => item.id !== id),
        () => deleteConversation(id),
      ),
  };
}

function inWords(error: unknown): string {
  if (error instanceof TypeError) return "Your conversations cannot be reached right now.";
  return error instanceof Error ? error.message : "Something went wrong with your conversations.";
}

import type { Chat } from "@ai-sdk/react";
import type { UIMessage } from "ai";
import { useEffect, useState } from "react";
import { followConversation, type TurnEvent } from "./conversation-events.ts";
import { withQuestion } from "./merge-history.ts";
import { catchUp, isBusy } from "./recover.ts";

/** How an answer ended when it did not simply end; by the id of the answer. */
export type Ending = { kind: "stopped" } | { kind: "failed"; errorText: string };

type StartedTurn = Extract<TurnEvent, { type: "workflow-started" }>;

/** Replayed turns begin and end within one network chunk; only one that is still open after this long is worth following. */
const SETTLE_MS = 60;

/**
 * Shows the turns that another window started, live, and brings the history up to date when they end.
 *
 * Invariants: a turn of this window is never followed (its own stream is open); a turn that already ended in the replay
 * is never followed; while an answer streams in, the history is left alone.
 *
 * @param isKnown false as long as the server has not recorded the conversation: there is nothing to follow.
 */
export function useFollow(
  chat: Chat<UIMessage>,
  isKnown: boolean,
  isOwn: (messageId: string) => boolean,
): ReadonlyMap<string, Ending> {
  const [endings, setEndings] = useState<ReadonlyMap<string, Ending>>(() => new Map());

  useEffect(() => {
    if (!isKnown) return;
    const started = new Map<string, StartedTurn>();
    const timers = new Set<ReturnType<typeof setTimeout>>();
    const later = (task: () => void): void => {
      const timer = setTimeout(() => {
        timers.delete(timer);
        task();
      }, SETTLE_MS);
      timers.add(timer);
    };

    const follow = async (turn: StartedTurn): Promise<void> => {
      if (!started.has(turn.runId)) return;
      if (turn.userMessage === undefined) return followRun();
      if (isOwn(turn.userMessage.id)) return;
      chat.messages = withQuestion(chat.messages, turn.userMessage, turn.messageId);
      if (!isBusy(chat)) await chat.resumeStream();
    };
    /** Its question is recorded; who asked it here has its stream open, or an answer of it that waits for a word. */
    const followRun = async (): Promise<void> => {
      if (isBusy(chat) || chat.messages.at(-1)?.role === "assistant") return;
      await catchUp(chat).catch(() => undefined);
      if (!isBusy(chat)) await chat.resumeStream();
    };
    const settle = async (turn: StartedTurn): Promise<void> => {
      if (!isBusy(chat) && !isShownWhole(chat.messages, turn)) await catchUp(chat).catch(() => undefined);
    };

    const close = followConversation(chat.id, (event) => {
      if (event.type === "workflow-started") {
        started.set(event.runId, event);
        later(() => void follow(event));
        return;
      }
      if (event.type === "reset") {
        later(() => void catchUp(chat).catch(() => undefined));
        return;
      }
      const turn = started.get(event.runId);
      started.delete(event.runId);
      if (turn === undefined) return;
      const ending = endingOf(event);
      if (ending !== undefined && turn.messageId !== undefined)
        setEndings((known) => new Map(known).set(turn.messageId, ending));
      later(() => void settle(turn));
    });
    return () => {
      close();
      for (const timer of timers) clearTimeout(timer);
    };
  }, [chat, isKnown, isOwn]);

  return endings;
}

function endingOf(event: TurnEvent): Ending | undefined {
  if (event.type === "workflow-stopped") return { kind: "stopped" };
  if (event.type !== "workflow-failed" || event.errorText === undefined) return undefined;
  return { kind: "failed", errorText: event.errorText };
}

function isShownWhole(messages: UIMessage[], turn: StartedTurn): boolean {
  const { userMessage } = turn;
  if (userMessage === undefined) return false;
  const at = messages.findIndex((message) => message.id === userMessage.id);
  return at !== -1 && messages[at + 1]?.role === "assistant";
}

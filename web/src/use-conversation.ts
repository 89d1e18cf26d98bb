import { Chat, useChat } from "@ai-sdk/react";
import { lastAssistantMessageIsCompleteWithApprovalResponses, type ChatStatus, type UIMessage } from "ai";
import { useCallback, useEffect, useEffectEvent, useMemo, useRef, useState } from "react";
import { stopTurn } from "./api.ts";
import { SkipstoneTransport } from "./chat-transport.ts";
import { textOf } from "./message-text.ts";
import { planIn, type Plan } from "./plan.ts";
import { isConnectionFailure, ProblemError } from "./problem.ts";
import { isBusy, resend } from "./recover.ts";
import { type Ending, useFollow } from "./use-follow.ts";
import { useRecovery } from "./use-recovery.ts";

export interface Conversation {
  messages: UIMessage[];
  status: ChatStatus;
  error: Error | undefined;
  endings: ReadonlyMap<string, Ending>;
  /** What the agent that answers last is about to do. */
  plan: Plan | undefined;
  isReconnecting: boolean;
  /** @returns the text when the server was still answering elsewhere and did not take the question. */
  send(text: string): Promise<string | undefined>;
  stop(): Promise<void>;
  retry(): Promise<void>;
  /** Answers a tool call that waits for the user's word. */
  approve(approvalId: string, isApproved: boolean, reason?: string): void;
  /** Takes a refused question off the list and gives its text back for editing. */
  takeBack(): string;
}

const STOP_ATTEMPTS_MAX = 10;
const STOP_WAIT_MS = 200;
/** Markdown is rendered anew on every change; more often than this nobody can see. */
const RENDER_EVERY_MS = 40;

/** One conversation in one window: what is shown, and what the person can do about it. */
export function useConversation(o: {
  id: string;
  initialMessages: UIMessage[];
  isNew: boolean;
  /** Who answers the next message. */
  agentId: () => string;
}): Conversation {
  const { id, initialMessages, isNew, agentId } = o;
  const [plan, setPlan] = useState<Plan>();
  const showPlan = useEffectEvent((data: unknown) => {
    const steps = planIn(data);
    const answer = chat.messages.at(-1);
    if (steps !== undefined && answer?.role === "assistant") setPlan({ messageId: answer.id, steps });
  });
  const chat: Chat<UIMessage> = useMemo(
    () =>
      new Chat<UIMessage>({
        id,
        messages: initialMessages,
        transport: new SkipstoneTransport(agentId),
        sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses,
        onData: ({ type, data }) => type === "data-plan" && showPlan(data),
      }),
    [id, initialMessages, agentId],
  );
  const { messages, status, error } = useChat({ chat, resume: !isNew, throttle: RENDER_EVERY_MS });
  useEffect(() => () => void chat.stop(), [chat]);

  const own = useRef(new Set<string>());
  const isOwn = useCallback((messageId: string) => own.current.has(messageId), []);
  const isKnown = useBecomesKnown(!isNew, status);
  const endings = useFollow(chat, isKnown, isOwn);
  const { isReconnecting, reconnect } = useRecovery(chat, error, isOwn);

  const retry = useCallback(async () => {
    const question = chat.messages.findLast((message) => message.role === "user");
    if (isConnectionFailure(chat.error) || question === undefined) return reconnect();
    own.current.add(question.id);
    await resend(chat, question);
  }, [chat, reconnect]);

  return {
    messages,
    status,
    error,
    endings,
    plan,
    // Once words arrive again there is nothing to say about the connection, though the repair ends with the answer.
    isReconnecting: isReconnecting && !isBusy(chat),
    async send(text) {
      dropRefused(chat);
      const messageId = chat.generateId();
      own.current.add(messageId);
      await chat.sendMessage({ id: messageId, role: "user", parts: [{ type: "text", text }] });
      if (!(chat.error instanceof ProblemError) || chat.error.code !== "turn_running") return undefined;
      chat.messages = chat.messages.filter((message) => message.id !== messageId);
      void chat.resumeStream();
      return text;
    },
    async stop() {
      await tellServerToStop(chat);
      await chat.stop();
    },
    retry,
    approve(approvalId, isApproved, reason) {
      void chat.addToolApprovalResponse({
        id: approvalId,
        approved: isApproved,
        ...(reason === undefined ? {} : { reason }),
      });
    },
    takeBack: () => dropRefused(chat),
  };
}

/** A refused question was never recorded; it must not stay among those that were. */
function dropRefused(chat: Chat<UIMessage>): string {
  const last = chat.messages.at(-1);
  if (!(chat.error instanceof ProblemError) || last?.role !== "user") return "";
  chat.messages = chat.messages.slice(0, -1);
  chat.clearError();
  return textOf(last);
}

/**
 * A turn that is not recorded yet cannot be stopped, so a quick Escape asks again until it is. A failure is left alone:
 * the stream stops here in any case, and the answer of the server is what the history shows later.
 */
async function tellServerToStop(chat: Chat<UIMessage>): Promise<void> {
  try {
    for (let attempt = 0; attempt < STOP_ATTEMPTS_MAX; attempt++) {
      if ((await stopTurn(chat.id)) || chat.status !== "submitted") return;
      await new Promise((resolve) => setTimeout(resolve, STOP_WAIT_MS));
    }
  } catch {
    return;
  }
}

/** Turns true with the first chunk of an answer: then the server has recorded the conversation. */
function useBecomesKnown(isKnownAtFirst: boolean, status: ChatStatus): boolean {
  const [isKnown, setIsKnown] = useState(isKnownAtFirst);
  if (!isKnown && status === "streaming") setIsKnown(true);
  return isKnown;
}

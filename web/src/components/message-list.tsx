import type { ChatStatus, UIMessage } from "ai";
import type { Plan } from "../plan.ts";
import type { Ending } from "../use-follow.ts";
import { Message } from "./message.tsx";

/** Not a live region: it changes with every token. The Announcer speaks for it. */
export function MessageList(props: {
  messages: UIMessage[];
  status: ChatStatus;
  endings: ReadonlyMap<string, Ending>;
  plan: Plan | undefined;
  onRetry: () => void;
  onApproval: (approvalId: string, isApproved: boolean, reason?: string) => void;
}) {
  const { messages, status, endings, plan, onRetry, onApproval } = props;
  const last = messages.at(-1);
  const isStreaming = status === "streaming" && last?.role === "assistant";
  const isWaiting = (status === "submitted" || status === "streaming") && last?.role === "user";
  return (
    <section className="messages" aria-label="Messages" aria-busy={isStreaming || isWaiting}>
      {messages.map((message) => (
        <Message
          key={message.id}
          message={message}
          isStreaming={isStreaming && message === last}
          ending={
            message === last && status !== "ready" ? undefined : (endings.get(message.id) ?? recordedEnding(message))
          }
          plan={plan?.messageId === message.id ? plan : undefined}
          // Only the last answer can still wait for somebody's word.
          onApproval={message === last && status === "ready" ? onApproval : undefined}
          // While an error is shown at the message box, that is the place to try again.
          onRetry={message === last && status === "ready" ? onRetry : undefined}
        />
      ))}
      {isWaiting && (
        <div className="message message-assistant">
          <span className="dots" aria-hidden="true" />
          <span className="visually-hidden">Waiting for the answer</span>
        </div>
      )}
    </section>
  );
}

/** The server notes with an answer how it ended; the words for a failure come with the events, as long as those are kept. */
function recordedEnding(message: UIMessage): Ending | undefined {
  const state = (message.metadata as { state?: unknown } | undefined)?.state;
  if (state === "stopped") return STOPPED;
  return state === "failed" ? FAILED : undefined;
}

// The same objects each time, so that messages that did not change are not rendered again.
const STOPPED: Ending = { kind: "stopped" };
const FAILED: Ending = { kind: "failed", errorText: "This answer could not be finished." };

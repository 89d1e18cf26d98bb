import type { ChatStatus, UIMessage } from "ai";
import type { Ending } from "../use-follow.ts";
import { Message } from "./message.tsx";

/** Not a live region: it changes with every token. The Announcer speaks for it. */
export function MessageList(props: {
  messages: UIMessage[];
  status: ChatStatus;
  endings: ReadonlyMap<string, Ending>;
}) {
  const { messages, status, endings } = props;
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
          ending={endings.get(message.id)}
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

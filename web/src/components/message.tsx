import { getToolName, isToolUIPart, type UIMessage } from "ai";
import { memo } from "react";
import { textOf } from "../message-text.ts";
import type { Ending } from "../use-follow.ts";
import { CopyButton } from "./copy-button.tsx";
import { Prose } from "./prose.tsx";
import { ToolCard } from "./tool-card.tsx";

interface MessageProps {
  message: UIMessage;
  isStreaming: boolean;
  ending: Ending | undefined;
}

/** Memoised: while one answer streams, the others keep their identity and are not rendered again. */
export const Message = memo(function Message({ message, isStreaming, ending }: MessageProps) {
  if (message.role === "user") {
    return (
      <article className="message message-user" aria-label="You" data-message-id={message.id}>
        <p>{textOf(message)}</p>
      </article>
    );
  }
  const text = textOf(message);
  return (
    <article className="message message-assistant" aria-label="Assistant" data-message-id={message.id}>
      {message.parts.map((part, index) => {
        if (part.type === "text") return <Prose key={index} text={part.text} />;
        if (isToolUIPart(part)) return <ToolCard key={part.toolCallId} name={getToolName(part)} part={part} />;
        return null;
      })}
      {isStreaming && <span className="dots" aria-hidden="true" />}
      {ending?.kind === "stopped" && <p className="ending">You stopped this answer.</p>}
      {ending?.kind === "failed" && <p className="ending ending-failed">{ending.errorText}</p>}
      {!isStreaming && text !== "" && <CopyButton text={text} />}
    </article>
  );
});

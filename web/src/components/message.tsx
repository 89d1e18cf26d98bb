import { getToolName, isToolUIPart, type UIMessage } from "ai";
import { memo } from "react";
import { textOf } from "../message-text.ts";
import type { Plan } from "../plan.ts";
import type { Ending } from "../use-follow.ts";
import { CopyButton } from "./copy-button.tsx";
import { PlanCard } from "./plan-card.tsx";
import { Prose } from "./prose.tsx";
import { ToolCard } from "./tool-card.tsx";

interface MessageProps {
  message: UIMessage;
  isStreaming: boolean;
  ending: Ending | undefined;
  /** Present where asking again makes sense. */
  onRetry: (() => void) | undefined;
  /** What the agent is about to do. */
  plan: Plan | undefined;
  /** Present where an answer to a question can still be given. */
  onApproval: ((approvalId: string, isApproved: boolean, reason?: string) => void) | undefined;
}

/** Memoised: while one answer streams, the others keep their identity and are not rendered again. */
export const Message = memo(function Message(props: MessageProps) {
  const { message, isStreaming, ending, onRetry, plan, onApproval } = props;
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
      {plan !== undefined && <PlanCard steps={plan.steps} message={message} />}
      {message.parts.map((part, index) => {
        if (part.type === "text") return <Prose key={index} text={part.text} />;
        if (isToolUIPart(part))
          return (
            <ToolCard
              key={part.toolCallId}
              name={getToolName(part)}
              part={part}
              isLive={isStreaming}
              onApproval={onApproval}
            />
          );
        return null;
      })}
      {isStreaming && <span className="dots" aria-hidden="true" />}
      {ending !== undefined && (
        <p className="ending" data-kind={ending.kind}>
          {ending.kind === "stopped" ? "This answer was stopped." : ending.errorText}
          {onRetry !== undefined && (
            <button type="button" className="link-button" onClick={onRetry}>
              Try again
            </button>
          )}
        </p>
      )}
      {!isStreaming && text !== "" && <CopyButton text={text} />}
    </article>
  );
});

import type { UIMessage } from "ai";
import { useCallback, useEffect, useEffectEvent, useRef, useState } from "react";
import { useConversation } from "../use-conversation.ts";
import { useStickToBottom } from "../use-stick-to-bottom.ts";
import { useAgent } from "../use-agent.ts";
import { AgentPicker } from "./agent-picker.tsx";
import { Announcer } from "./announcer.tsx";
import { Composer } from "./composer.tsx";
import { EmptyState } from "./empty-state.tsx";
import { DownIcon } from "./icons.tsx";
import { MessageList } from "./message-list.tsx";
import { Notice } from "./notice.tsx";

/** A conversation: what was said, what went wrong, and the box for the next message. */
export function ConversationView(props: {
  id: string;
  initialMessages: UIMessage[];
  isNew: boolean;
  onTurn: () => void;
}) {
  const { onTurn } = props;
  const choice = useAgent(props.id);
  const conversation = useConversation({ ...props, agentId: choice.current });
  const { messages, status, error, isReconnecting } = conversation;
  const isBusy = status === "submitted" || status === "streaming";
  const [text, setText] = useState("");
  const [hint, setHint] = useState<string>();
  const scroller = useRef<HTMLDivElement>(null);
  const { isAtBottom, toBottom } = useStickToBottom(scroller, messages);

  const isEmpty = messages.length === 0;
  const tellOfTurn = useEffectEvent(onTurn);
  useEffect(() => {
    // Both ends of a turn change the list: the first names the conversation, the last moves it up.
    if (!isEmpty && (status === "streaming" || status === "ready")) tellOfTurn();
  }, [status, isEmpty]);

  useEscape(isBusy, () => void conversation.stop());

  const { retry: retryTurn } = conversation;
  const retry = useCallback(() => void retryTurn(), [retryTurn]);
  const send = async (message: string): Promise<void> => {
    setText("");
    setHint(undefined);
    toBottom();
    const refused = await conversation.send(message);
    if (refused === undefined) return;
    setText(refused);
    setHint("Another window is still waiting for an answer here. Your message is back in the box.");
  };

  return (
    <>
      <div className="scroller" ref={scroller}>
        {isEmpty && !isBusy ? (
          <EmptyState
            onPick={(suggestion, agentId) => {
              choice.choose(agentId);
              void send(suggestion);
            }}
          />
        ) : (
          <MessageList
            messages={messages}
            status={status}
            endings={conversation.endings}
            plan={conversation.plan}
            onRetry={retry}
            onApproval={conversation.approve}
          />
        )}
      </div>
      <div className="dock">
        {!isAtBottom && <ToBottom onClick={toBottom} />}
        <Notice
          error={error}
          hint={hint}
          isReconnecting={isReconnecting}
          onRetry={retry}
          onEdit={() => setText(conversation.takeBack())}
        />
        <Composer
          text={text}
          onText={setText}
          isBusy={isBusy}
          isBlocked={isReconnecting}
          onSend={(message) => void send(message)}
          onStop={() => void conversation.stop()}
          picker={<AgentPicker {...choice} isBusy={isBusy} />}
        />
      </div>
      <Announcer messages={messages} status={status} />
    </>
  );
}

function ToBottom({ onClick }: { onClick: () => void }) {
  return (
    <button type="button" className="to-bottom" aria-label="Jump to the latest message" onClick={onClick}>
      <DownIcon />
    </button>
  );
}

/** Escape stops the answer from anywhere on the page, unless a dialog or menu has a use for the key. */
function useEscape(isActive: boolean, onEscape: () => void): void {
  const escape = useEffectEvent(onEscape);
  useEffect(() => {
    if (!isActive) return;
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.key === "Escape" && !event.defaultPrevented && document.querySelector("dialog[open]") === null) {
        escape();
      }
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, [isActive]);
}

import { type KeyboardEvent, type ReactNode, useEffect, useLayoutEffect, useRef } from "react";
import { SendIcon, StopIcon } from "./icons.tsx";

interface ComposerProps {
  text: string;
  onText: (text: string) => void;
  isBusy: boolean;
  /** True while it is unknown what became of the last message; writing goes on, sending waits. */
  isBlocked: boolean;
  onSend: (text: string) => void;
  onStop: () => void;
  /** Stands below the box. */
  picker: ReactNode;
}

export function Composer({ text, onText, isBusy, isBlocked, onSend, onStop, picker }: ComposerProps) {
  const box = useRef<HTMLTextAreaElement>(null);
  const canSend = !isBusy && !isBlocked && text.trim() !== "";

  useEffect(() => {
    // A keyboard that covers half a phone's screen should come when it is asked for.
    if (matchMedia("(hover: hover)").matches) box.current?.focus();
  }, []);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight}px`;
  }, [text]);

  const send = (): void => {
    if (canSend) onSend(text.trim());
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    // While an input method composes, Enter chooses a word.
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };

  return (
    <form
      className="composer"
      aria-label="Write a message"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        ref={box}
        id="message"
        rows={1}
        value={text}
        placeholder="Ask anything"
        aria-label="Message"
        aria-describedby="composer-keys"
        onChange={(event) => onText(event.target.value)}
        onKeyDown={onKeyDown}
      />
      {isBusy ? (
        <button type="button" className="send send-stop" aria-label="Stop the answer" onClick={onStop}>
          <StopIcon />
        </button>
      ) : (
        <button type="submit" className="send" aria-label="Send" disabled={!canSend}>
          <SendIcon />
        </button>
      )}
      {picker}
      <p id="composer-keys" className="composer-keys">
        <kbd>Enter</kbd> sends · <kbd>Shift</kbd>+<kbd>Enter</kbd> new line · <kbd>Esc</kbd> stops
      </p>
    </form>
  );
}

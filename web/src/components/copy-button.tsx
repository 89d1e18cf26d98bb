import { useState } from "react";
import { CheckIcon, CopyIcon } from "./icons.tsx";

const CONFIRM_MS = 1_600;

/** Copying needs a secure context; without one there is no button. */
export function CopyButton({ text }: { text: string }) {
  const [isCopied, setIsCopied] = useState(false);
  if (navigator.clipboard === undefined) return null;
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setIsCopied(true);
    setTimeout(() => setIsCopied(false), CONFIRM_MS);
  };
  return (
    <button
      type="button"
      className="icon-button copy"
      aria-label={isCopied ? "Copied" : "Copy the answer"}
      onClick={() => void copy().catch(() => undefined)}
    >
      {isCopied ? <CheckIcon /> : <CopyIcon />}
    </button>
  );
}

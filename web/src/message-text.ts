import type { UIMessage } from "ai";

/** What a message says in words, without its tool calls. */
export function textOf(message: UIMessage): string {
  const texts = message.parts.flatMap((part) => (part.type === "text" ? [part.text] : []));
  return texts.join("\n\n").trim();
}

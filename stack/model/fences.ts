/** Prompts that put what they quote into fences: `<goal>`, a line break, the text, a line break, `</goal>`. */
import type { ChatMessage } from "./chat-request.ts";

/** What stands in the last fence of this name. */
export function fenceIn(messages: readonly ChatMessage[], name: string): string | undefined {
  const all = messages.map(({ text }) => text).join("\n");
  const start = all.lastIndexOf(`<${name}>\n`);
  const end = all.indexOf(`\n</${name}>`, start);
  return start < 0 || end < 0 ? undefined : all.slice(start + name.length + 3, end);
}

/** `undefined` also for a fence whose text was cut, so that it is no JSON any more. */
export function jsonFenceIn(messages: readonly ChatMessage[], name: string): unknown {
  try {
    return JSON.parse(fenceIn(messages, name) ?? "") as unknown;
  } catch {
    return undefined;
  }
}

/** One line of a server-sent event stream. Here each `data` line is an event: no provider splits its JSON over lines. */

/** Index where the value of a `data` line begins, one leading space skipped; -1 for any other line. */
export function payloadStart(line: string): number {
  if (!line.startsWith("data:")) return -1;
  return line.charCodeAt(5) === 32 ? 6 : 5;
}

/** Whether a line that is not `data` may stand in an event stream: a comment or another field. */
export function isFramingLine(line: string): boolean {
  return /^(?::|(?:data|event|id|retry)(?::|$))/.test(line);
}

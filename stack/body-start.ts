/** How much of a body is kept to be shown. */
export const shownBytesMax = 2_048;

/** The beginning of a body that comes in pieces, and how long the whole is. */
export interface BodyStart {
  bytes: number;
  start: Buffer;
}

export const noBody: BodyStart = { bytes: 0, start: Buffer.alloc(0) };

/** Copies what it keeps: a piece is often a view of a much larger buffer, which must not live as long. */
export function withPiece(body: BodyStart, piece: string | Uint8Array): BodyStart {
  const wanted = shownBytesMax - body.start.length;
  const isText = typeof piece === "string";
  const bytes = body.bytes + (isText ? Buffer.byteLength(piece) : piece.length);
  if (wanted <= 0 || piece.length === 0) return { bytes, start: body.start };
  // A character of text is one byte or more, so there are enough of them.
  const kept = isText
    ? Buffer.from(piece.slice(0, wanted)).subarray(0, wanted)
    : Buffer.from(piece.subarray(0, wanted));
  return { bytes, start: body.start.length === 0 ? kept : Buffer.concat([body.start, kept]) };
}

/** As text, or as base64 behind a word that says so when it is none. What was cut off is said by an ellipsis. */
export function bodyText({ bytes, start }: BodyStart): string {
  const isCut = bytes > start.length;
  // A character may have been cut in two; it is left away.
  const text = new TextDecoder("utf-8", { fatal: true });
  try {
    const shown = text.decode(start, { stream: isCut });
    return isCut ? `${shown}…` : shown;
  } catch {
    return `base64:${start.toString("base64")}${isCut ? "…" : ""}`;
  }
}

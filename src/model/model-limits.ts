/** What one answer of a model may take from us. Each is far above what providers send, and far below our memory. */

/** UTF-16 units of one line of the stream; a longer one is no event of this protocol. */
export const lineCharsMax = 1_048_576;
/** Bytes of one whole answer, comments and framing included. */
export const answerBytesMax = 33_554_432;
/** Tool calls in one answer. */
export const toolCallsMax = 64;
/** UTF-16 units of the arguments of one tool call. */
export const argumentCharsMax = 262_144;
/** Bytes that are read of an error answer: enough for its message, which goes to the log. */
export const errorBodyBytesMax = 4_096;
/** A longer Retry-After is a provider's mistake or a ban; either way nobody waits for it in line. */
export const retryAfterMsMax = 3_600_000;

/** What the model decided to say, before anybody chose how to send it. */
export interface Reply {
  /** The answer cut into the chunks in which it is streamed. Empty for a reply of tool calls alone. */
  chunks: string[];
  calls: PlannedCall[];
  finishReason: "stop" | "length" | "tool_calls";
}

/** One call of an offered tool. */
export interface PlannedCall {
  name: string;
  /** The arguments as the model writes them: JSON text, unless a script ordered otherwise. */
  argumentsText: string;
}

/** A reply of words, one chunk for each word with the space before it, as real tokens have it. */
export function textReply(text: string): Reply {
  return { chunks: text.match(/\s*\S+\s*$|\s*\S+/g) ?? [], calls: [], finishReason: "stop" };
}

export function toolReply(calls: PlannedCall[]): Reply {
  return { chunks: [], calls, finishReason: "tool_calls" };
}

/** Applies `stop` and `max_tokens` as the API defines them; a chunk counts as a token. */
export function limitReply(reply: Reply, o: { maxTokens: number | undefined; stops: string[] }): Reply {
  const stopped = cutAtStop(reply, o.stops);
  if (o.maxTokens === undefined || stopped.chunks.length <= o.maxTokens) return stopped;
  return { ...stopped, chunks: stopped.chunks.slice(0, o.maxTokens), finishReason: "length" };
}

function cutAtStop(reply: Reply, stops: string[]): Reply {
  const text = reply.chunks.join("");
  const ends = stops.map((stop) => text.indexOf(stop)).filter((index) => index >= 0);
  if (ends.length === 0) return reply;
  return { ...reply, chunks: textReply(text.slice(0, Math.min(...ends))).chunks };
}

/** What a server said, or why it said nothing. */
export type Said = Answer | { readonly kind: "silence"; readonly words: string };

export interface Answer {
  readonly kind: "answer";
  readonly status: number;
  /** Parsed, where it is JSON. */
  readonly body: unknown;
  readonly ms: number;
}

const waitMsMax = 15_000;

/** Sends one request. Never throws, and never repeats what it sent: that may hold a token. */
export async function askServer(url: string, init: RequestInit = {}, timeoutMs = waitMsMax): Promise<Said> {
  const startedAt = performance.now();
  try {
    const response = await fetch(url, { ...init, redirect: "manual", signal: AbortSignal.timeout(timeoutMs) });
    const text = await response.text();
    return { kind: "answer", status: response.status, body: parsed(text), ms: performance.now() - startedAt };
  } catch (cause) {
    return { kind: "silence", words: reason(cause, timeoutMs) };
  }
}

/** A field of a JSON object; undefined where there is none. */
export function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function reason(thrown: unknown, timeoutMs: number): string {
  if (thrown instanceof Error && thrown.name === "TimeoutError") return `no answer within ${timeoutMs / 1000} s`;
  const code = fieldOf(fieldOf(thrown, "cause"), "code");
  if (code === "ECONNREFUSED") return "nobody listens there";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "there is no such host";
  if (thrown instanceof TypeError && /parse URL|Invalid URL/i.test(thrown.message)) return "that is no URL";
  return typeof code === "string" ? code : "the connection failed";
}

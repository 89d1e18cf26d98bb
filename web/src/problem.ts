/** A refusal or failure that the server put into words (`application/problem+json`). */
export class ProblemError extends Error {
  readonly status: number;
  /** Stable code of the server's catalogue; `unknown` when the answer was no problem document. */
  readonly code: string;
  /** Unix ms from which a retry makes sense; absent when the server named no time. */
  readonly retryAtMs: number | undefined;

  constructor(o: { status: number; code: string; detail: string; retryAtMs?: number | undefined }) {
    super(o.detail);
    this.name = "ProblemError";
    this.status = o.status;
    this.code = o.code;
    this.retryAtMs = o.retryAtMs;
  }
}

/** Reads a response that is not ok. Never throws: an unreadable body becomes a sentence of our own. */
export async function problemFrom(response: Response, nowMs: number): Promise<ProblemError> {
  const body = await response.json().catch(() => undefined);
  const fields = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  return new ProblemError({
    status: response.status,
    code: typeof fields["code"] === "string" ? fields["code"] : "unknown",
    detail: text(fields["detail"]) ?? text(fields["title"]) ?? sentenceFor(response.status),
    retryAtMs: retryAt(response.headers.get("retry-after"), nowMs),
  });
}

/** True for failures of the way there (no network, a cut stream, a 5xx of what stands before the server), false for anything that the server said. */
export function isConnectionFailure(error: Error | undefined): boolean {
  // Our own failures have a code of our catalogue.
  if (error instanceof ProblemError) return error.status >= 500 && error.code === "unknown";
  // Browsers report both a failed request and a body that broke off as TypeError; ours does the same.
  return error instanceof TypeError;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Source: RFC 9110 §10.2.3, seconds or an HTTP date. */
function retryAt(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  const seconds = Number(header);
  const atMs = Number.isFinite(seconds) ? nowMs + seconds * 1000 : Date.parse(header);
  return Number.isFinite(atMs) ? atMs : undefined;
}

function sentenceFor(status: number): string {
  if (status === 429) return "Too many requests in a short time.";
  if (status === 404) return "This conversation does not exist, or it is not yours.";
  if (status === 413) return "That message is too long.";
  if (status >= 500) return "The server had a problem answering.";
  return "The server did not accept this request.";
}

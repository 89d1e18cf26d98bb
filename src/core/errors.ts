/**
 * The one error type of the Worker and the one catalogue of what can go wrong.
 *
 * Failures are sorted by who must act, and that is data: `refuse` is for the caller, `retry` for time, `compensate` for
 * the run, `park` for us. Expected answers (a limit that is used up, an unknown id) are returned by the rooms, not
 * thrown; they become an `AppError` at the edge that has to speak of them.
 */

export type Disposition = "refuse" | "retry" | "compensate" | "park";

export interface CatalogueEntry {
  readonly disposition: Disposition;
  /** HTTP status at the http edge. */
  readonly status: number;
  readonly title: string;
  /** What a client may read. The message of an `AppError` replaces it only below status 500. */
  readonly publicText: string;
}

export const errorCatalogue = {
  bad_request: refuse(400, "Bad request", "The request does not have the shape that this route expects."),
  malformed_json: refuse(400, "Malformed JSON", "The request body is not valid JSON."),
  invalid_cursor: refuse(400, "Invalid cursor", "The position to read from is not one that this server gave out."),
  unauthenticated: refuse(
    401,
    "Not signed in",
    "This route needs to know who asks: a session, a bearer token or an API key.",
  ),
  forbidden_origin: refuse(403, "Origin not allowed", "Requests that change something must come from this site."),
  insufficient_scope: refuse(403, "Not allowed", "This identity may not be used for this route."),
  not_found: refuse(404, "Not found", "There is nothing here that you may see."),
  method_not_allowed: refuse(405, "Method not allowed", "This path exists, but not for this method."),
  turn_running: refuse(409, "A turn is running", "This conversation is still answering an earlier message."),
  body_too_large: refuse(413, "Body too large", "The request body is larger than this route accepts."),
  unsupported_media_type: refuse(415, "Unsupported media type", "This route accepts application/json."),
  rate_limited: refuse(429, "Too many requests", "The limit is used up for now; Retry-After says for how long."),
  unknown_definition: refuse(404, "Unknown definition", "There is no run of this name."),
  too_many: refuse(409, "Too many", "You have as many of these as one user may have."),
  run_refused: refuse(409, "Not in this state", "The run's state does not allow this."),
  changed_meanwhile: refuse(409, "Changed meanwhile", "Another request has changed this at the same time; try again."),
  id_taken: refuse(409, "Id in use", "This id was used for another request."),
  unsupported: refuse(422, "Not available here", "This server has no queue that can do that; it needs QStash."),
  invalid_signature: refuse(401, "Invalid signature", "This route is for deliveries that the queue has signed."),
  delivery_refused: refuse(400, "Delivery refused", "The delivery is not one that this server sent for."),
  no_embedding: refuse(
    409,
    "No embedding endpoint",
    "Nothing is configured here that could tell the meaning of a text.",
  ),
  no_queue: refuse(409, "No queue", "This needs QStash, which is not configured here."),
  schedule_refused: refuse(409, "Not in this state", "The schedule's state does not allow this."),
  run_held: retry("Run is busy", "Another segment of this run is under way."),
  queue_unavailable: retry("Queue unavailable", "The queue behind this service did not answer; try again shortly."),
  partner_unavailable: retry("Partner unavailable", "A service that this run needs did not answer; try again shortly."),
  identity_provider_unavailable: retry(
    "Identity provider unavailable",
    "The identity provider of this service did not answer; try again shortly.",
  ),
  redis_unavailable: retry("Storage unavailable", "The storage behind this service did not answer; try again shortly."),
  model_unavailable: retry("Model unavailable", "The language model did not answer; try again shortly."),
  model_rate_limited: retry("Model is busy", "The language model is busy; try again shortly."),
  model_rejected: park(502, "Model rejected the request", "The language model did not accept the request."),
  model_garbled: park(502, "Model answer unreadable", "The language model sent an answer that cannot be read."),
  sealed_unreadable: park(500, "Stored text unreadable", "Something that is stored here cannot be read at the moment."),
  misconfigured: park(500, "Not configured", "This server is not configured completely; its log says what is missing."),
  internal: park(500, "Internal error", "Something went wrong on our side."),
} as const satisfies Record<string, CatalogueEntry>;

/** Stable: clients branch on it. */
export type ErrorCode = keyof typeof errorCatalogue;

export interface AppErrorOptions {
  readonly cause?: unknown;
  /** How long a caller does well to wait, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
}

/**
 * A failure that has a place in the catalogue.
 *
 * `message` is for the log, and for the client only where the status is below 500: keep secrets out of it always, and
 * inner detail in `cause`.
 */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly retryAfterMs?: number;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "AppError";
    this.code = code;
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
  }

  get disposition(): Disposition {
    return errorCatalogue[this.code].disposition;
  }
}

/** Of things that were asked for together: whether nobody could be reached, rather than that this one is wrong in itself. */
export function isOutage({ code }: AppError): boolean {
  return code !== "internal";
}

/** Any thrown value as an `AppError`; what we do not know is `internal`, which parks. */
export function asAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  const message = thrown instanceof Error ? thrown.message : `a ${typeof thrown} was thrown`;
  return new AppError("internal", message, { cause: thrown });
}

function refuse(status: number, title: string, publicText: string): CatalogueEntry {
  return { disposition: "refuse", status, title, publicText };
}

function retry(title: string, publicText: string): CatalogueEntry {
  return { disposition: "retry", status: 503, title, publicText };
}

function park(status: number, title: string, publicText: string): CatalogueEntry {
  return { disposition: "park", status, title, publicText };
}

/** An answer in the error shape of the OpenAI API: `{error: {message, type, param, code}}`. */
export class ApiError extends Error {
  readonly status: number;
  readonly type: string;
  readonly code: string | null;
  readonly param: string | null;
  readonly headers: Record<string, string>;

  constructor(
    status: number,
    message: string,
    o: { type?: string; code?: string | null; param?: string | null; headers?: Record<string, string> } = {},
  ) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.type = o.type ?? (status >= 500 ? "server_error" : "invalid_request_error");
    this.code = o.code ?? null;
    this.param = o.param ?? null;
    this.headers = o.headers ?? {};
  }

  body(): string {
    const { message, type, param, code } = this;
    return `${JSON.stringify({ error: { message, type, param, code } })}\n`;
  }
}

/** 400 for one field of the request. */
export function badField(param: string, message: string, code: string | null = null): ApiError {
  return new ApiError(400, message, { param, code });
}

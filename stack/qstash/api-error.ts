/** A refusal that the caller of the API shall see: its HTTP status and the text of `{"error": text}`. */
export class ApiError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.name = "ApiError";
    this.status = status;
  }
}

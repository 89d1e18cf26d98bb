import { AppError } from "../core/errors.ts";

export interface FieldProblem {
  /** JSON pointer (RFC 6901) to the field; empty for the whole body. */
  readonly pointer: string;
  readonly detail: string;
}

/** `bad_request` that says which fields of the body are wrong. Values are never quoted. */
export class InvalidBody extends AppError {
  readonly fields: readonly FieldProblem[];

  constructor(fields: readonly FieldProblem[]) {
    super("bad_request", fields.map(({ pointer, detail }) => `${pointer || "The body"} ${detail}.`).join(" "));
    this.fields = fields;
  }
}

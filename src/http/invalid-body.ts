import { AppError } from "../core/errors.ts";
import type { FieldProblem } from "../core/field-problem.ts";

/** `bad_request` that says which fields of the body are wrong. Values are never quoted. */
export class InvalidBody extends AppError {
  readonly fields: readonly FieldProblem[];

  constructor(fields: readonly FieldProblem[]) {
    super("bad_request", fields.map(({ pointer, detail }) => `${pointer || "The body"} ${detail}.`).join(" "));
    this.fields = fields;
  }
}

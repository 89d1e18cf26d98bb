import { AppError } from "../core/errors.ts";
import { unknownField, type FieldProblem } from "../core/field-problem.ts";

/** `bad_request` that says which fields of the body are wrong. Values are never quoted. */
export class InvalidBody extends AppError {
  readonly fields: readonly FieldProblem[];

  constructor(fields: readonly FieldProblem[]) {
    super("bad_request", fields.map(({ pointer, detail }) => `${pointer || "The body"} ${detail}.`).join(" "));
    this.fields = fields;
  }

  /** For the log, which holds no words of the sender's: not the names of fields that we do not know. */
  get reason(): string {
    const named = (pointer: string, detail: string): string => (detail === unknownField ? "A field" : pointer);
    return this.fields.map(({ pointer, detail }) => `${named(pointer, detail) || "The body"} ${detail}.`).join(" ");
  }
}

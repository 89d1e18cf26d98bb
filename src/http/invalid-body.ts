import { AppError } from "../core/errors.ts";
import { unknownField, type FieldProblem } from "../core/field-problem.ts";

/** `bad_request` that says which fields of the body are wrong. Values are never quoted. */
export class InvalidBody extends AppError {
  readonly fields: readonly FieldProblem[];

  constructor(fields: readonly FieldProblem[]) {
    super("bad_request", inWords(fields));
    this.fields = fields;
  }

  /** For the log, which holds no words of the sender's: not the names of fields that we do not know. */
  get reason(): string {
    return inWords(
      this.fields.map((field) => (field.detail === unknownField ? { ...field, pointer: "A field" } : field)),
    );
  }
}

function inWords(fields: readonly FieldProblem[]): string {
  return fields.map(({ pointer, detail }) => `${pointer || "The body"} ${detail}.`).join(" ");
}

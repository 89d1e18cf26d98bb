/** What the restaurants say no to, with the status of the answer. A refusal has no effect and is not kept under its key. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = "Refusal";
    this.status = status;
  }
}

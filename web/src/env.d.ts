/** Of the Worker only types are read here, and only the name of its bindings is missing for them. */
interface Env {
  readonly [name: string]: unknown;
}

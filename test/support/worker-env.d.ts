/** The Worker's bindings, as far as tests that run in Node need the name. */
interface Env {
  readonly [name: string]: unknown;
}

/** Somebody else listens on a port that we were asked to use. */
export class PortTakenError extends Error {
  readonly port: number;

  constructor(port: number) {
    super(`Port ${port} is taken by another program.`);
    this.name = "PortTakenError";
    this.port = port;
  }
}

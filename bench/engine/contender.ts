/** Something that runs durable steps, as the bench drives it. */
export interface Contender {
  readonly name: string;
  /** What a step that is done survives. */
  readonly durability: string;
  /** Performs one run of `steps` steps from the client's request to the answer that it is over. */
  run(steps: number): Promise<void>;
  /** User and system time of every process that works for it. */
  cpuMs(): Promise<number>;
}

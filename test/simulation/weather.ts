export type Fate = "happen" | "fail-before" | "fail-after" | "kill-before" | "kill-after";

/** What goes wrong, and how often: probabilities per call unless said otherwise. */
export interface Weather {
  readonly failing: number;
  readonly killing: number;
  /** A call that hangs for longer than a lease, while the others go on. */
  readonly hanging: number;
  /** Per delivery. */
  readonly duplicating: number;
  /** Per delivery: how late it may come. */
  readonly lateMsMax: number;
  /** The platform kills an isolate that begins more steps; Infinity for none. */
  readonly stepsPerIsolateMax: number;
}

export const calm: Weather = {
  failing: 0,
  killing: 0,
  hanging: 0,
  duplicating: 0,
  lateMsMax: 0,
  stepsPerIsolateMax: Infinity,
};

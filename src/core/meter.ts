/** What one invocation of the Worker has spent so far, counted where calls leave. Only grows. */
export interface Meter {
  /** Calls that left the Worker, a redirect of each included. */
  subrequests: number;
  /** Billed Redis commands: those that we sent, and calls inside of scripts. */
  commands: number;
  /** Requests to Redis. */
  roundTrips: number;
  /** Messages given to the queue. */
  messages: number;
  /** Of models, those that embed included, as their provider counts them. */
  inputTokens: number;
  outputTokens: number;
  /** US dollars for those. */
  modelUsd: number;
  /** Bytes that were parsed. */
  parsedBytes: number;
}

export function createMeter(): Meter {
  return {
    subrequests: 0,
    commands: 0,
    roundTrips: 0,
    messages: 0,
    inputTokens: 0,
    outputTokens: 0,
    modelUsd: 0,
    parsedBytes: 0,
  };
}

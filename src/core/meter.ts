/** What one invocation of the Worker has spent so far, counted where calls leave. Only grows. */
export interface Meter {
  /** Calls that left the Worker, a redirect of each included. */
  subrequests: number;
  /** Billed Redis commands that we sent; calls inside scripts are added where the script's cost is known. */
  commands: number;
  /** Requests to Redis. */
  roundTrips: number;
  /** Messages given to the queue. */
  messages: number;
  /** Bytes that were parsed. */
  parsedBytes: number;
}

export function createMeter(): Meter {
  return { subrequests: 0, commands: 0, roundTrips: 0, messages: 0, parsedBytes: 0 };
}

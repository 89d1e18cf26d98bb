import type { Clock } from "../core/ports.ts";

/** The clock of the runtime. In a Worker it stands still between two I/O operations. */
export const systemClock: Clock = { now: () => Date.now() };

import type { Isolate } from "./things.ts";
import type { World } from "./world.ts";

/** A wait of an isolate, which ends early when it is told to. */
export function pauseIn(world: World<any>, isolate: Isolate, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    world.pause(isolate, ms).then(resolve, reject);
  });
}

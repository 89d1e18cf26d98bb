import { startInline } from "../../src/engine/start-inline.ts";
import type { StartRequest } from "../../src/engine/start-request.ts";
import type { World } from "./world.ts";

/** A client repeats a start until it hears that the run is recorded; it is the same run each time. */
export async function startUntilRecorded<Services>(
  world: World<Services>,
  request: StartRequest<Services>,
): Promise<void> {
  let isRecorded = false;
  while (!isRecorded) {
    try {
      await world.invoke(`start of ${request.ref.runId}`, async (engine) => {
        const { segment } = await startInline(engine, request);
        isRecorded = true;
        await segment;
      });
    } catch {
      // What broke off after that goes on by itself.
    }
  }
}

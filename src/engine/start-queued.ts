import { limits } from "../core/limits.ts";
import type { EnginePorts } from "./engine-parts.ts";
import { definitionKey } from "./run-definition.ts";
import { conversationOf, startedEntry, type StartRequest } from "./start-request.ts";

/** Starts the run and has the queue bring it to its first segment. 2 round trips, 3 billed commands, 1 message. */
export async function startQueued<Services>(engine: EnginePorts, request: StartRequest<Services>): Promise<void> {
  const now = engine.clock.now();
  await engine.journal.start(request.ref, {
    entries: [startedEntry(request, now)],
    startedAtMs: now,
    dueAtMs: now + limits.sweepSlackMs,
    ...conversationOf(request, now),
  });
  // Also when the run was there: whoever started it may have died before this line.
  await engine.queue.triggerNextStep({ ref: request.ref, definition: definitionKey(request.definition), after: 0 });
}

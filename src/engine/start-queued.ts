import { limits } from "../core/limits.ts";
import type { EnginePorts } from "./engine-parts.ts";
import { foldRun } from "./fold-run.ts";
import { definitionKey } from "./run-definition.ts";
import type { RunState } from "./run-state.ts";
import { conversationOf, startedEntry, type StartRequest } from "./start-request.ts";

/** Starts the run and has the queue bring it to its first segment. 2 round trips, 3 billed commands, 1 message. */
export async function startQueued<Services>(engine: EnginePorts, request: StartRequest<Services>): Promise<void> {
  await recordStart(engine, request);
  // Also when the run was there: whoever started it may have died before this line.
  await engine.queue.triggerNextStep({ ref: request.ref, definition: definitionKey(request.definition), after: 0 });
}

/**
 * The run is there, and the sweep knows of it; nobody has sent for its first segment. 1 round trip, 3 billed commands.
 * @returns its state, also of one that was there before.
 */
export async function recordStart<Services>(
  engine: Pick<EnginePorts, "journal" | "clock">,
  request: StartRequest<Services>,
): Promise<RunState> {
  const { ref } = request;
  const now = engine.clock.now();
  const entries = [startedEntry(request, now)];
  const { length } = await engine.journal.start(ref, {
    entries,
    startedAtMs: now,
    dueAtMs: now + limits.sweepSlackMs,
    ...conversationOf(request, now),
  });
  return foldRun(length > entries.length ? await engine.journal.read(ref, 0) : entries).state;
}

import type { Context } from "hono";
import { AppError } from "../../core/errors.ts";
import { foldRun } from "../../engine/fold-run.ts";
import { followRun, runEvents } from "../../engine/follow-run.ts";
import type { RunRef } from "../../engine/journal.ts";
import { isOver, type RunState } from "../../engine/run-state.ts";
import type { AppEnv } from "../app-env.ts";
import { respondWithEvents } from "../event-stream.ts";
import { revive } from "../revive.ts";
import { formatSseEvent } from "../sse.ts";

/**
 * A run's events over SSE: replay after `Last-Event-ID` or `?after=`, then live, until the run is over. 204 for a reader who has seen the end: an `EventSource`
 * comes back after any close, and only this stops it.
 */
export async function runEventStream(c: Context<AppEnv>, ref: RunRef): Promise<Response> {
  const { followRun: followParts, engine } = await c.get("wire").runs();
  const entries = await engine.journal.read(ref, 0);
  if (entries.length === 0) throw new AppError("not_found", "There is no such run.");
  const { state } = foldRun(entries);
  const after = readAfter(c, state.places);
  const last = runEvents(entries).at(-1);
  if (isOver(state.status) && last !== undefined && after >= last.place) return c.body(null, 204);
  await revive(c, ref, state);
  const watch = { clock: engine.clock, onSilence: (of: RunRef, found: RunState) => revive(c, of, found) };
  const parts = { ...followParts, watch };
  async function* frames(signal: AbortSignal): AsyncGenerator<string, void, undefined> {
    for await (const { place, type, data } of followRun(parts, ref, after, signal)) {
      yield formatSseEvent({ id: String(place), event: type, data });
    }
  }
  return respondWithEvents(c, { ...parts, frames });
}

/**
 * An id that we cannot have given out reads everything: with the ids in it a reader drops what it has.
 *
 * @param places that the journal has. A reader hears of an entry once it is written, and the journal was read after the request came: a true id is always below.
 * @throws invalid_cursor (refuse) for such a `?after=`
 */
function readAfter(c: Context<AppEnv>, places: number): number {
  const header = c.req.header("Last-Event-ID") || undefined;
  const text = header ?? c.req.query("after");
  if (text === undefined) return -1;
  if (/^\d{1,9}$/.test(text) && Number(text) < places) return Number(text);
  if (header !== undefined) return -1;
  throw new AppError("invalid_cursor", "`after` must be an event id that this server gave out.");
}

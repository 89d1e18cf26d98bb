/**
 * Reads everything that happens in a conversation: the events of its turns, and those of the runs that belong to it.
 *
 * Each item comes with the place behind it, so that a reader that comes back misses nothing of either and is told nothing twice.
 */
import { limits } from "../core/limits.ts";
import { isRunId } from "../core/ids.ts";
import { isLastEvent, type RunEvent } from "../engine/run-event.ts";
import { beforeAllEvents, formatEventId, parseEventId, type EventId } from "../event/event-id.ts";
import type { FollowItem } from "../event/follow.ts";
import { mergeItems } from "./merge-items.ts";

/** Where a reader stands: in the event list, and in each run that it follows. */
export interface ConversationPlace {
  readonly at: EventId;
  /** Place of the last event seen, by run id. */
  readonly runs: ReadonlyMap<string, number>;
}

export const startOfConversation: ConversationPlace = { at: beforeAllEvents, runs: new Map() };

/** `<event id>`, and `+<run id>:<place>` for each run; opaque to clients. */
export function formatPlace({ at, runs }: ConversationPlace): string {
  return [formatEventId(at), ...[...runs].map(([runId, place]) => `${runId}:${place}`)].join("+");
}

/** The place, or `undefined` for anything that this server cannot have issued. */
export function parsePlace(text: string): ConversationPlace | undefined {
  const [first = "", ...rest] = text.split("+");
  const at = parseEventId(first);
  if (at === undefined || rest.length > limits.runsFollowedMax) return undefined;
  const runs = new Map<string, number>();
  for (const part of rest) {
    const match = /^([a-z0-9_]+):(\d{1,9})$/.exec(part);
    if (match === null || !isRunId(match[1])) return undefined;
    runs.set(match[1], Number(match[2]));
  }
  return { at, runs };
}

export type ConversationItem = (
  | Exclude<FollowItem, { kind: "run" }>
  | { readonly kind: "run-event"; readonly runId: string; readonly event: RunEvent }
) & { readonly place: ConversationPlace };

export interface FollowConversationParts {
  readonly turns: (at: EventId | "unknown", signal: AbortSignal) => AsyncGenerator<FollowItem, void, undefined>;
  readonly run: (runId: string, after: number, signal: AbortSignal) => AsyncGenerator<RunEvent, void, undefined>;
}

/** Of runs at the same time only `limits.runsFollowedMax` are followed, the oldest first: each holds a connection. */
export async function* followConversation(
  parts: FollowConversationParts,
  from: ConversationPlace | "unknown",
  signal: AbortSignal,
): AsyncGenerator<ConversationItem, void, undefined> {
  const ended = new AbortController();
  const inner = AbortSignal.any([signal, ended.signal]);
  const runs = new Map(from === "unknown" ? [] : from.runs);
  const seen = new Set<string>();
  let at = from === "unknown" ? beforeAllEvents : from.at;
  const merged = mergeItems<Sourced>(turnsOf(parts.turns(from === "unknown" ? from : at, inner)));

  function followRun(runId: string): void {
    if (seen.has(runId) || (!runs.has(runId) && runs.size >= limits.runsFollowedMax)) return;
    seen.add(runId);
    const after = runs.get(runId) ?? -1;
    runs.set(runId, after);
    merged.add(runOf(runId, parts.run(runId, after, inner)));
  }

  try {
    for (const runId of runs.keys()) followRun(runId);
    for await (const item of merged) {
      if (item.kind === "run") {
        followRun(item.runId);
        continue;
      }
      if (item.kind === "run-event") {
        runs.set(item.runId, item.event.place);
        if (isLastEvent(item.event)) runs.delete(item.runId);
      } else at = item.kind === "reset" ? item.from : item.record.id;
      yield { ...item, place: { at, runs: new Map([...runs].filter(([, place]) => place >= 0)) } };
    }
  } finally {
    ended.abort();
  }
}

type Sourced = FollowItem | { readonly kind: "run-event"; readonly runId: string; readonly event: RunEvent };

/** Its end is the end of all. */
async function* turnsOf(
  source: AsyncGenerator<FollowItem, void, undefined>,
): AsyncGenerator<Sourced, "end", undefined> {
  yield* source;
  return "end";
}

async function* runOf(
  runId: string,
  source: AsyncGenerator<RunEvent, void, undefined>,
): AsyncGenerator<Sourced, void, undefined> {
  for await (const event of source) yield { kind: "run-event", runId, event };
}

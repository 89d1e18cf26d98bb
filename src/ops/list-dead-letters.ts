/**
 * One list of two: runs that are parked, the last first, then what the queue has given up, the last first.
 *
 * A place in it is a cursor: `r` and where to go on among the runs, or `m` and the queue's own cursor.
 */
import { AppError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import { foldRun } from "../engine/fold-run.ts";
import type { Journal, RunCursor, RunIndex } from "../engine/journal.ts";
import type { ParkedRun, ParkedRuns } from "../engine/parked-runs.ts";
import type { DeadLetter, Whose } from "./dead-letter.ts";
import type { DeadMessages } from "./dead-messages.ts";

export interface DeadLetterParts {
  readonly parked: ParkedRuns;
  readonly journal: Pick<Journal, "readMany">;
  readonly runIndex: Pick<RunIndex, "page">;
  readonly messages: DeadMessages;
}

export interface DeadLetterPage {
  readonly letters: readonly DeadLetter[];
  readonly next?: string;
}

/**
 * A page may hold fewer letters than there is room for, also none, and still have a `next`.
 * Runs: 2 billed commands and 1 for each that is parked. Messages: none.
 * @throws invalid_cursor (refuse)
 */
export async function listDeadLetters(
  parts: DeadLetterParts,
  whose: Whose,
  cursor: string | undefined,
): Promise<DeadLetterPage> {
  const place = readCursor(cursor);
  if (place.kind === "messages") return messagesAfter(parts, whose, place.cursor);
  const { seen, parked } = await parkedAfter(parts, whose, place.cursor);
  const letters = await lettersOf(parts, parked);
  if (seen.length === limits.deadLettersPageMax) return { letters, next: `r${cursorAfter(seen, place.cursor)}` };
  return letters.length === 0 ? messagesAfter(parts, whose, undefined) : { letters, next: "m" };
}

interface Seen {
  readonly atMs: number;
}

/** An owner's are looked for among their runs: there is no list of parked ones by user to keep. */
async function parkedAfter(
  { parked, runIndex }: DeadLetterParts,
  whose: Whose,
  cursor: RunCursor,
): Promise<{ readonly seen: readonly Seen[]; readonly parked: readonly ParkedRun[] }> {
  const page = { ...cursor, count: limits.deadLettersPageMax };
  if (whose === "all") {
    const found = await parked.page(page);
    return { seen: found.map(({ parkedAtMs }) => ({ atMs: parkedAtMs })), parked: found };
  }
  const runs = await runIndex.page(whose.userId, page);
  const found = await parked.among(
    whose.userId,
    runs.map(({ runId }) => runId),
  );
  return { seen: runs.map(({ startedAtMs }) => ({ atMs: startedAtMs })), parked: found };
}

async function lettersOf({ journal }: DeadLetterParts, parked: readonly ParkedRun[]): Promise<readonly DeadLetter[]> {
  const journals = parked.length === 0 ? [] : await journal.readMany(parked.map(({ ref }) => ref));
  return parked.flatMap(({ ref, parkedAtMs }, index) => {
    const { state } = foldRun(journals[index] ?? []);
    const { started, parked: reason } = state;
    // Somebody has helped it meanwhile.
    if (started === undefined || reason === undefined || state.status !== "parked") return [];
    const { failure, step } = reason;
    const what = `${started.definition}@${started.version}`;
    const key = ["run", started.definition, failure.code ?? failure.name, ...(step === undefined ? [] : [step])];
    const letter: DeadLetter = {
      id: ref.runId,
      kind: "run",
      userId: ref.userId,
      failedAt: parkedAtMs,
      what,
      cause: { key: key.join(":"), text: failure.message },
      ...(step === undefined ? {} : { step }),
    };
    return [letter];
  });
}

async function messagesAfter(
  { messages }: DeadLetterParts,
  whose: Whose,
  cursor: string | undefined,
): Promise<DeadLetterPage> {
  const { letters, next } = await messages.page(whose, { cursor, count: limits.deadLettersPageMax });
  return { letters, ...(next === undefined ? {} : { next: `m${next}` }) };
}

/** Many may have one time, so the time alone is no place in the list. */
function cursorAfter(seen: readonly Seen[], before: RunCursor): string {
  const atMostMs = seen.at(-1)!.atMs;
  const skip = seen.filter(({ atMs }) => atMs === atMostMs).length;
  return `${atMostMs}-${skip + (before.atMostMs === atMostMs ? before.skip : 0)}`;
}

type Place =
  | { readonly kind: "runs"; readonly cursor: RunCursor }
  | { readonly kind: "messages"; readonly cursor: string | undefined };

function readCursor(text: string | undefined): Place {
  if (text === undefined) return { kind: "runs", cursor: { atMostMs: farthestMs, skip: 0 } };
  const runs = /^r(\d{1,14})-(\d{1,6})$/.exec(text);
  if (runs !== null) return { kind: "runs", cursor: { atMostMs: Number(runs[1]), skip: Number(runs[2]) } };
  const messages = /^m([\w.:=-]*)$/.exec(text);
  if (messages === null || text.length > limits.deadLetterCursorCharsMax) {
    throw new AppError("invalid_cursor", "`cursor` must be a place that this list gave out.");
  }
  return { kind: "messages", cursor: messages[1] === "" ? undefined : messages[1] };
}

/** The greatest time that a date can have. */
const farthestMs = 8.64e15;

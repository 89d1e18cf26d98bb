/** Where runs live. Each method is one round trip and safe to repeat. */

/** Whose run. Ids are validated before they come here. */
export interface RunRef {
  readonly userId: string;
  readonly runId: string;
  /**
   * Which volume of the journal is meant, where that is known: each compaction begins a new one, counted from 0. Who names a volume and does not find it there
   * looks for the newest; only a segment's writer does not, for it may write into no volume but its own.
   */
  readonly volume?: number;
}

/** What readers who are connected are told: entries of segments, and the place of the first among the run's events. */
export interface Told {
  readonly from: number;
  readonly entries: readonly string[];
}

export interface OpenedJournal {
  /** All entries of the newest volume, the opening among them; empty when there is no such run. */
  readonly entries: readonly string[];
  readonly volume: number;
  /** What was learned about the definition's budget, as it was stored. */
  readonly learned: string | undefined;
}

export interface StartedJournal {
  /** Greater than the number of entries that were given when the run was there before. */
  readonly length: number;
  readonly learned: string | undefined;
}

/** What a run leaves in its conversation, at its start and with its end. */
export interface ConversationNote {
  readonly conversationId: string;
  /** For the conversation's memory, as JSON, in order. Readers drop a message whose id they have seen. */
  readonly messages: readonly string[];
  /** Of the conversation, if it has none. */
  readonly title: string;
}

/** Commands that a note costs at the end of a run. */
export const noteCommands = 7;

export interface JournalStart {
  readonly entries: readonly string[];
  /** Unix ms; orders the user's list. */
  readonly startedAtMs: number;
  /** Unix ms at which the sweep looks at the run. */
  readonly dueAtMs: number;
  /** Whose budget is asked for. */
  readonly definition?: string;
  /** Where readers are told of the run. */
  readonly conversation?: ConversationNote;
}

/** An entry from outside that a run's next segment is to act upon. */
export interface Order {
  readonly entry: string;
  /** By when the sweep looks whether it was acted upon; absent where nothing has to be done. */
  readonly dueAtMs?: number;
  /** The run was over and goes on: it must not expire any more. */
  readonly isRevival?: boolean;
}

export interface Compaction {
  /** Entries that the volume has. When it has another number, somebody has written meanwhile and nothing happens. */
  readonly length: number;
  /** Stands for all entries but the last `keep`. */
  readonly snapshot: string;
  /** At least 1. */
  readonly keep: number;
}

/**
 * A run that was compacted costs 2 round trips and 2 billed commands more wherever its volume is not named, or is no longer the newest.
 */
export interface Journal {
  /**
   * Makes the run, its place in the user's list and in the sweep's; the first entries go with it. On a run that exists already they are appended, and do not
   * count. 3 billed commands, 4 when `definition` is given and its budget is not at hand, 9 more with a conversation.
   */
  start(ref: RunRef, start: JournalStart): Promise<StartedJournal>;
  /**
   * Appends an opening, tells the readers, and reads everything. The opening is told in the very order of the journal, so that a reader never takes the
   * word of a segment that was superseded. 2 billed commands, 1 more with `isTold`, 1 more when the budget of `definition` is not at hand.
   */
  open(
    ref: RunRef,
    opening: string,
    o: { readonly definition: string; readonly isTold: boolean },
  ): Promise<OpenedJournal>;
  /**
   * Appends what a segment writes to the volume that `ref` names, 0 without a name; never makes one. 1 billed command, 1 more with `told`.
   * @param told what readers who are connected have not been told of; told in the same transaction.
   * @param note of a run that is over, written in the same transaction; `noteCommands` more.
   * @returns the length of the volume, 0 when it is not there (any more).
   */
  append(ref: RunRef, entries: readonly string[], told?: Told, note?: ConversationNote): Promise<number>;
  /**
   * Appends an order to the newest volume of a run that exists; never makes one. 1 billed command, 1 more with `dueAtMs`, 1 more with `isRevival`.
   * @returns the length of the volume, 0 when there is no such run.
   */
  act(ref: RunRef, order: Order): Promise<number>;
  /** All entries of several runs, in the order given; `undefined` for one that is there and cannot be read now. 1 billed command each. */
  readMany(refs: readonly RunRef[]): Promise<(readonly string[] | undefined)[]>;
  /** Entries from an index on, to the end; from an index above 0 those of the volume that `ref` names and no other. 1 billed command. */
  read(ref: RunRef, from: number): Promise<readonly string[]>;
  /**
   * Begins a new volume with a snapshot and the last entries of the one that `ref` names, which is gone then: who still writes into that one writes nowhere.
   * 7 billed commands, 3 when somebody has written meanwhile.
   * @returns whether it did; true again when it is repeated.
   */
  compact(ref: RunRef, compaction: Compaction): Promise<boolean>;
}

/** A run that the sweep has seen at this length of its journal. */
export interface SeenRun {
  readonly ref: RunRef;
  readonly length: number;
}

/**
 * What the sweep goes by: the runs that are not over, and when each is to be looked at. A run is in it from its start on; whoever changes its place has made
 * sure before that the journal says so, or a segment that has lost its lease could hide a run that lives.
 */
export interface DueRuns {
  /** At most `count`, the longest overdue first. 1 billed command. */
  overdue(nowMs: number, count: number): Promise<RunRef[]>;
  /** Does nothing to runs that are not in it. 1 billed command for all of them. */
  postpone(runs: readonly { readonly ref: RunRef; readonly dueAtMs: number }[]): Promise<void>;
  /** Like `postpone`, but puts the run in it if it is not. 1 billed command, 1 more since the run must not expire any more. */
  register(ref: RunRef, dueAtMs: number): Promise<void>;
  /**
   * For runs that wait for a person: like `postpone`, for those whose journals have not changed since they were seen; others stay where they are. 3 billed commands
   * each.
   */
  setAsideUnchanged(seen: readonly (SeenRun & { readonly dueAtMs: number })[]): Promise<void>;
  /** Whether the run is in it. 1 billed command. */
  isKnown(ref: RunRef): Promise<boolean>;
  /** The runs are over: they leave, and their journals begin to expire. 1 billed command, and 1 for each, 2 when it was compacted. */
  retire(refs: readonly RunRef[]): Promise<void>;
  /** The same for runs whose journals have not changed since they were seen; others stay. 4 billed commands each, 5 when it was compacted. */
  retireUnchanged(seen: readonly SeenRun[]): Promise<void>;
}

/** What is learned about how much one segment of a definition may do. Kept per definition; last writer wins. */
export interface BudgetBook {
  store(definition: string, learned: string): Promise<void>;
}

export interface RunListing {
  readonly runId: string;
  /** Unix ms. */
  readonly startedAtMs: number;
}

/** A place in the list: runs that started at `atMostMs` (unix ms) or before, without the first `skip` of those. */
export interface RunCursor {
  readonly atMostMs: number;
  readonly skip: number;
}

/** The user's runs. */
export interface RunIndex {
  /** Newest first, without gap or double when asked on from the cursor of the last one seen. 1 billed command. */
  page(userId: string, page: RunCursor & { readonly count: number }): Promise<RunListing[]>;
  /** For runs whose journal has expired. */
  remove(userId: string, runIds: readonly string[]): Promise<void>;
}

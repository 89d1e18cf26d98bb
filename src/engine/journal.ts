/** Where runs live. Each method is one round trip and safe to repeat. */

/** Whose run. Ids are validated before they come here. */
export interface RunRef {
  readonly userId: string;
  readonly runId: string;
}

/** What readers who are connected are told: entries of segments, and the place of the first among the run's events. */
export interface Told {
  readonly from: number;
  readonly entries: readonly string[];
}

export interface OpenedJournal {
  /** All entries, the opening among them; empty when there is no such run. */
  readonly entries: readonly string[];
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
   * Appends to a run that exists; never makes one. 1 billed command, 1 more with `told`.
   * @param told what readers who are connected have not been told of; told in the same transaction.
   * @param note of a run that is over, written in the same transaction; `noteCommands` more.
   * @returns the length of the journal, 0 when there is no such run.
   */
  append(ref: RunRef, entries: readonly string[], told?: Told, note?: ConversationNote): Promise<number>;
  /** All entries of several runs, in the order given; `undefined` for one that is there and cannot be read now. 1 billed command each. */
  readMany(refs: readonly RunRef[]): Promise<(readonly string[] | undefined)[]>;
  /** Entries from an index on, to the end. 1 billed command. */
  read(ref: RunRef, from: number): Promise<readonly string[]>;
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
  /** The runs are over: they leave, and their journals begin to expire. 1 billed command, and 1 for each. */
  retire(refs: readonly RunRef[]): Promise<void>;
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

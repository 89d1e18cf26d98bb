import type { EventId } from "./event-id.ts";
import type { LogRecord } from "./log-record.ts";
import type { TurnEnding, TurnOpening } from "./turn-event.ts";

/** Whose list it is. Both ids are validated before they come here. */
export interface ConversationRef {
  readonly userId: string;
  readonly conversationId: string;
}

/** The right to append to a conversation's log, until somebody supersedes it. */
export interface Tenure {
  readonly generation: number;
  /** Length of the list after the opening; later lengths show whether anybody else wrote. */
  readonly listLength: number;
}

export type OpenAnswer =
  | { readonly kind: "opened"; readonly tenure: Tenure }
  /** Somebody's turn runs; `lastAt` (unix ms) is when it last gave a sign of life. */
  | { readonly kind: "running"; readonly last: EventId; readonly lastAt: number };

export type SupersedeAnswer =
  | { readonly kind: "superseded"; readonly tenure: Tenure }
  /** The log has moved on since it was read: read it again and decide anew. */
  | { readonly kind: "moved" };

export type FlushAnswer = { readonly kind: "flushed"; readonly listLength: number } | { readonly kind: "superseded" };

/** What the last flush of a turn writes beside its events, in the same transaction. */
export interface Closing {
  /** Messages for the conversation's memory, as JSON, in order. Readers drop a message whose id they have seen. */
  readonly messages: readonly string[];
  /** True when the memory had no message at admission. */
  readonly isFirst: boolean;
  /** Set on the conversation's first turn only; later a person may have renamed it. */
  readonly title?: string;
  /** Unix ms of the newest message before this turn, if any; decides whether expiries are renewed. */
  readonly previousAt?: number;
  /** True when this turn made the event list. */
  readonly isEventListNew: boolean;
  /** Number of messages in memory at admission; decides whether the list is trimmed. */
  readonly messageCount: number;
  /** Model tokens to book for the user; `begunDay` is a day on which some are booked already. */
  readonly tokens?: { readonly spent: number; readonly begunDay: string | undefined };
}

/** The event list of each conversation: one method, one atomic change. */
export interface EventLog {
  /**
   * Opens a turn where none runs, and has the sweep know of it. Safe to repeat with the same run id: the answer is the same tenure.
   * Cost: 1 round trip, 4 billed commands.
   */
  open(ref: ConversationRef, opening: TurnOpening): Promise<OpenAnswer>;
  /**
   * Takes the log over from whoever wrote `expected` last, and publishes it. With `messages`, the conversation's memory is written in the same step.
   * Safe to repeat. Cost: 1 round trip, 4 billed commands, 6 with messages.
   */
  supersede(
    ref: ConversationRef,
    expected: EventId,
    record: TurnOpening | TurnEnding,
    messages?: readonly string[],
  ): Promise<SupersedeAnswer>;
  /**
   * Appends records (already formatted, of one tenure) and publishes them, atomically and in that order. Safe to repeat.
   * Cost: 1 round trip, 2 billed commands; with `closing` 4 to 6, on a first turn 5; with tokens 1 more, on a day's first turn 2.
   * @param expectedLength length of the list after the append if nobody else wrote.
   */
  flush(
    ref: ConversationRef,
    records: readonly string[],
    published: readonly string[],
    expectedLength: number,
    closing?: Closing,
  ): Promise<FlushAnswer>;
  /** All valid records that the list still holds, oldest first. Cost: 1 round trip, 1 billed command. */
  read(ref: ConversationRef): Promise<LogRecord[]>;
  /** The same for several conversations, in the order given; `undefined` for one that is there and cannot be read now. Cost: 1 round trip, 1 billed command each. */
  readMany(refs: readonly ConversationRef[]): Promise<(LogRecord[] | undefined)[]>;
}

/**
 * What the sweep goes by: conversations in which a turn was opened since it last looked, and when each is to be looked at. A turn does not leave by itself: the
 * sweep lets its conversation go when it finds that nothing runs there.
 */
export interface DueTurns {
  /** At most `count`, the longest overdue first. 1 billed command. */
  overdue(nowMs: number, count: number): Promise<ConversationRef[]>;
  /** 1 billed command for all of them. */
  postpone(turns: readonly { readonly ref: ConversationRef; readonly dueAtMs: number }[]): Promise<void>;
  /** Nothing runs there: they leave, and their event lists begin to expire. 1 billed command, and 1 for each. */
  retire(refs: readonly ConversationRef[]): Promise<void>;
}

/** Live records of a conversation, as published. */
export interface EventFeed {
  /**
   * Resolves once Redis has acknowledged the subscription; the iteration ends when the connection does, without an error.
   * Each item is one published batch in wire order, unparsed entries of the list. Cost: 1 billed command, 1 subrequest.
   */
  subscribe(ref: ConversationRef, signal: AbortSignal): Promise<AsyncIterable<readonly string[]>>;
}

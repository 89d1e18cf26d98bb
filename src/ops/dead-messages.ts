import type { DeadLetter, Whose } from "./dead-letter.ts";

export interface DeadMessagesPage {
  readonly letters: readonly DeadLetter[];
  /** Where the list goes on; the queue's own, at most `deadLetterCursorCharsMax` characters. */
  readonly next?: string;
}

/** The queue's list of what it has given up. Each method is a request to the queue, none is billed. */
export interface DeadMessages {
  /** @throws invalid_cursor (refuse) for one that the queue did not give out, as far as it can tell. */
  page(whose: Whose, o: { readonly cursor: string | undefined; readonly count: number }): Promise<DeadMessagesPage>;
  /** Sends it again as a new message, and takes it off the list. False when there is no such message of theirs. */
  retry(whose: Whose, id: string): Promise<boolean>;
  remove(whose: Whose, id: string): Promise<boolean>;
}

/** Without a queue nothing is given up: what is lost waits for the sweep. */
export const noDeadMessages: DeadMessages = {
  page: () => Promise.resolve({ letters: [] }),
  retry: () => Promise.resolve(false),
  remove: () => Promise.resolve(false),
};

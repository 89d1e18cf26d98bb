import type { CauseGroup, DeadLetter } from "../../src/ops/dead-letter.ts";

export interface Listed {
  readonly letters: readonly DeadLetter[];
  readonly groups: readonly CauseGroup[];
  readonly next?: string;
}

/** All pages of a list of dead letters, one after the other. @param of one page, by its query. */
export async function everyLetter(of: (query: string) => Promise<Listed>): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = [];
  for (let query = ""; ;) {
    const page = await of(query);
    letters.push(...page.letters);
    if (page.next === undefined) return letters;
    query = `?cursor=${page.next}`;
  }
}

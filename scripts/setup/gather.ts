import type { Finding } from "../environment/finding.ts";
import { askAgain, askValue, askYesNo, tell } from "./person.ts";
import type { Answers, Group, Question } from "./questions.ts";

/** A value that is there already, from the environment or the file. */
export type Known = (name: string) => string | undefined;

/** Asks for a group until it works, or until the person insists. @throws LeftError */
export async function gatherByAsking(group: Group, known: Known): Promise<Answers> {
  if (group.optional !== undefined && !(await askYesNo(group.optional, true))) return { QUEUE: "fetch" };
  let last: Answers = knownAnswers(group, known);
  for (;;) {
    const answers: Record<string, string> = {};
    for (const question of group.questions) answers[question.name] = await askValue(question, last[question.name]);
    const { findings, values = {} } = await group.check(answers);
    tell(findings);
    if (findings.every(({ isOk }) => isOk) || (await askAgain()) === "keep") return { ...answers, ...values };
    last = answers;
  }
}

export interface Gathered {
  readonly answers: Answers;
  readonly findings: readonly Finding[];
  /** Names without a value. */
  readonly missing: readonly string[];
}

/** Without a person: what is known must be complete and must work. An optional group of which nothing is known is left out. */
export async function gatherKnown(group: Group, known: Known): Promise<Gathered> {
  const answers = knownAnswers(group, known);
  const missing = group.questions.map(({ name }) => name).filter((name) => answers[name] === undefined);
  const isLeftOut = group.optional !== undefined && missing.length === group.questions.length;
  if (isLeftOut) return { answers: { QUEUE: "fetch" }, findings: [], missing: [] };
  if (missing.length > 0) return { answers, findings: [], missing };
  const { findings, values = {} } = await group.check(answers);
  return { answers: { ...answers, ...values }, findings, missing: [] };
}

function knownAnswers(group: Group, known: Known): Answers {
  const found = group.questions.map((question) => [question.name, knownAs(question, known)] as const);
  return Object.fromEntries(found.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function knownAs({ name, aliases = [] }: Question, known: Known): string | undefined {
  return [name, ...aliases].map(known).find((value) => value !== undefined);
}

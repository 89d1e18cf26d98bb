import { wrong, type Finding } from "../environment/finding.ts";
import { askAgain, askValue, askYesNo, tell } from "./person.ts";
import type { Answers, Group, Question } from "./questions.ts";

/** A value that is there already. */
export type Known = (name: string) => string | undefined;

/** Asks for a group until it works, or until the person insists. @throws LeftError */
export async function gatherByAsking(group: Group, known: Known): Promise<Answers> {
  let last: Answers = knownAnswers(group, known);
  const { optional } = group;
  if (optional !== undefined) {
    const isTaken = known(optional.name) !== optional.leftOut || Object.keys(last).length > 0;
    if (!(await askYesNo(optional.words, isTaken))) return { [optional.name]: optional.leftOut };
  }
  for (;;) {
    const answers: Record<string, string> = {};
    for (const question of group.questions) answers[question.name] = await askValue(question, last[question.name]);
    const { findings, values = {} } = await group.check(answers);
    tell(findings);
    if (findings.every(({ isOk }) => isOk) || (await askAgain()) === "keep") {
      return { ...answers, ...values, ...taken(group) };
    }
    last = answers;
  }
}

export interface Gathered {
  readonly answers: Answers;
  readonly findings: readonly Finding[];
  /** Names without a value. */
  readonly missing: readonly string[];
}

/**
 * Without a person: what is known must be complete and must work. An optional group is left out only where that is asked for by name; what the environment
 * states of the group itself goes before such a wish in the file.
 *
 * @param known from the environment, else from the file.
 * @param stated from the environment alone.
 */
export async function gatherKnown(group: Group, known: Known, stated: Known): Promise<Gathered> {
  const ofGroup = knownAnswers(group, known);
  const { optional } = group;
  if (optional !== undefined) {
    const { name, leftOut } = optional;
    const isStated = Object.keys(knownAnswers(group, stated)).length > 0;
    if ((isStated ? stated : known)(name) === leftOut) {
      return { answers: { [name]: leftOut }, findings: [], missing: [] };
    }
    if (Object.keys(ofGroup).length === 0) {
      const needed = group.questions.filter(({ usual }) => usual === undefined).map((question) => question.name);
      const words = `${group.title}: nobody has set ${needed.join(" and ")}, nor asked to do without.`;
      const mend = `set ${needed.join(" and ")}, or ${name}=${leftOut}: ${optional.without}`;
      return { answers: {}, findings: [wrong(words, mend)], missing: [] };
    }
  }
  const usual = group.questions.flatMap((question) => (question.usual ? [[question.name, question.usual]] : []));
  const answers: Answers = { ...Object.fromEntries(usual), ...ofGroup };
  const missing = group.questions.map(({ name }) => name).filter((name) => answers[name] === undefined);
  if (missing.length > 0) return { answers, findings: [], missing };
  const { findings, values = {} } = await group.check(answers);
  return { answers: { ...answers, ...values, ...taken(group) }, findings, missing: [] };
}

/** Says so in the place where an earlier answer may have said otherwise. */
function taken({ optional }: Group): Answers {
  return optional === undefined ? {} : { [optional.name]: optional.taken };
}

function knownAnswers(group: Group, known: Known): Answers {
  const found = group.questions.map((question) => [question.name, knownAs(question, known)] as const);
  return Object.fromEntries(found.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function knownAs({ name, aliases = [] }: Question, known: Known): string | undefined {
  return [name, ...aliases].map(known).find((value) => value !== undefined);
}

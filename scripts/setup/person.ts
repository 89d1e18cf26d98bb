/** The person at the terminal. Every question may be left with Ctrl-C. */
import * as clack from "@clack/prompts";
import { setupCommand, type Finding } from "../environment/finding.ts";
import type { Question } from "./questions.ts";

/** The person left. Nothing has been written then. */
export class LeftError extends Error {}

/** @throws LeftError */
export async function askValue(question: Question, known: string | undefined): Promise<string> {
  const message = `${question.words} (${question.name})`;
  if (question.isSecret === true) {
    const kept = known === undefined ? "" : ", or Enter to keep the one that is there";
    const validate = (value: string | undefined): string | undefined => missing(value ?? "", known);
    return orKeep(answered(await clack.password({ message: `${message}${kept}`, validate })), known);
  }
  const validate = (value: string | undefined): string | undefined => missing(value ?? "", question.usual);
  const placeholder = question.placeholder ?? "";
  const initial = known === undefined ? {} : { initialValue: known };
  return orKeep(answered(await clack.text({ message, placeholder, validate, ...initial })), question.usual);
}

/** @throws LeftError */
export async function askYesNo(message: string, initialValue: boolean): Promise<boolean> {
  return answered(await clack.confirm({ message, initialValue }));
}

/** What to do with credentials that do not work. @throws LeftError */
export async function askAgain(): Promise<"again" | "keep"> {
  const options: { value: "again" | "keep"; label: string }[] = [
    { value: "again", label: "Enter them again" },
    { value: "keep", label: "Keep them anyway" },
  ];
  return answered(await clack.select({ message: "That does not work.", options }));
}

/** Whoever is told is in the wizard already: that mend is left out. */
export function tell(findings: readonly Finding[]): void {
  for (const { isOk, words, mend } of findings) {
    if (isOk) clack.log.success(words);
    else clack.log.error(mend === undefined || mend === setupCommand ? words : `${words}\n→ ${mend}`);
  }
}

function answered<T>(value: T): Exclude<T, symbol> {
  if (typeof value === "symbol") throw new LeftError();
  return value as Exclude<T, symbol>;
}

function missing(value: string, known: string | undefined): string | undefined {
  return value.trim() === "" && known === undefined ? "There has to be something." : undefined;
}

function orKeep(value: string, known: string | undefined): string {
  const given = (value ?? "").trim();
  return given === "" ? (known ?? "") : given;
}

/** One line of the doctor, or what the wizard says of credentials. Never holds a secret. */
export interface Finding {
  readonly isOk: boolean;
  readonly words: string;
  /** The command that mends what is wrong, or the line of `.dev.vars` that does. */
  readonly mend?: string;
}

/** Mends whatever the wizard asks for or makes; see `scripts/setup/questions.ts`. */
export const setupCommand = "npm run setup";

export function ok(words: string): Finding {
  return { isOk: true, words };
}

export function wrong(words: string, mend: string): Finding {
  return { isOk: false, words, mend };
}

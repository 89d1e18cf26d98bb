/** One line of the doctor, or what the wizard says of credentials. Never holds a secret. */
export interface Finding {
  readonly isOk: boolean;
  readonly words: string;
  /** The command, or the place, that mends what is wrong. */
  readonly mend?: string;
}

export function ok(words: string): Finding {
  return { isOk: true, words };
}

export function wrong(words: string, mend: string): Finding {
  return { isOk: false, words, mend };
}

/** A program in a pseudo-terminal, driven as a person would: read what stands there, then press keys. */
import { spawn, type IPty } from "@lydell/node-pty";
import { stripVTControlCharacters } from "node:util";

export interface Terminal {
  /** Resolves once this text stands behind what was seen last. @throws Error with the screen when the program ends without it. */
  see(text: string): Promise<void>;
  type(text: string): void;
  enter(): void;
  press(key: "down" | "ctrl-c"): void;
  /** Resolves to the exit code. */
  ended: Promise<number>;
  /** Everything that was shown. */
  shown(): string;
}

const keys = { down: "\u001B[B", "ctrl-c": "\u0003" } as const;

export function openTerminal(args: readonly string[], env: Readonly<Record<string, string>>): Terminal {
  const pty: IPty = spawn(process.execPath, [...args], { cols: 120, rows: 40, env: { ...env } });
  let raw = "";
  let seenChars = 0;
  let exitCode: number | undefined;
  let look = (): void => {};
  pty.onData((data) => {
    raw += data;
    look();
  });
  const ended = new Promise<number>((resolve) => {
    pty.onExit((exit) => {
      exitCode = exit.exitCode;
      look();
      resolve(exit.exitCode);
    });
  });
  const shown = (): string => stripVTControlCharacters(raw);
  return {
    ended,
    shown,
    see(text) {
      return new Promise((resolve, reject) => {
        look = () => {
          const at = shown().indexOf(text, seenChars);
          if (at >= 0) {
            seenChars = at + text.length;
            resolve();
          } else if (exitCode !== undefined) reject(new Error(`"${text}" never came. Shown was:\n${shown()}`));
        };
        look();
      });
    },
    type: (text) => pty.write(text),
    enter: () => pty.write("\r"),
    press: (key) => pty.write(keys[key]),
  };
}

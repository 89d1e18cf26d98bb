/** The commands that the documents tell people to type. */
import { readFileSync } from "node:fs";

export interface DocumentedCommand {
  readonly command: string;
  /** What the comment right below it says that it prints; `…` stands for anything. */
  readonly prints: string | undefined;
}

/** The texts of a document's blocks in a language, in order. */
export function codeBlocks(file: string, language: string): readonly string[] {
  const blocks = readFileSync(file, "utf8").matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm);
  return [...blocks].flatMap(([, named, text = ""]) => (named === language ? [text] : []));
}

/** A text with the lines of a `diff` block added to it. @throws Error where a part of the block fits nowhere, or in two places. */
export function withLinesAdded(text: string, diff: string): string {
  let changed = text;
  for (const part of diff.split("@@\n")) {
    const lines = part.split("\n").slice(0, -1);
    const before = lines.filter((line) => !line.startsWith("+")).map((line) => `${line.slice(1)}\n`);
    const pieces = changed.split(before.join(""));
    if (pieces.length !== 2) throw new Error(`fits in ${pieces.length - 1} places:\n${part}`);
    changed = pieces.join(lines.map((line) => `${line.slice(1)}\n`).join(""));
  }
  return changed;
}

/** The commands of all `sh` blocks of a document, in order. */
export function shellCommands(file: string): readonly DocumentedCommand[] {
  return codeBlocks(file, "sh").flatMap((block) => {
    const lines = block.split("\n").filter((line) => line !== "");
    return lines.flatMap((line, index) => {
      if (line.startsWith("# ")) return [];
      const below = lines[index + 1];
      const prints = below?.startsWith("# ") === true ? below.slice(2) : undefined;
      return [{ command: line.replace(/ {2,}# .*$/, ""), prints }];
    });
  });
}

/** Every npm command of a document, in its blocks and in its sentences: the script and the options that follow it. */
export function npmCommands(file: string): readonly { readonly script: string; readonly options: readonly string[] }[] {
  const found = readFileSync(file, "utf8").matchAll(/\bnpm (?:run ([\w:]+)|(start|test)\b)([^`\n]*)/g);
  return [...found].map(([, run, short = "", rest = ""]) => ({
    script: run ?? short,
    options: [...rest.matchAll(/ --([a-z][\w-]*)/g)].map(([, option = ""]) => option),
  }));
}

/** Whether a text is what `prints` says, from its first word to its last. */
export function isAsPrinted(text: string, prints: string): boolean {
  const literal = prints.split("…").map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`));
  return new RegExp(`^${literal.join("[^]*")}$`).test(text.trim());
}

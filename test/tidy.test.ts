/** What the linter cannot say about this tree, and proof that what it can say is switched on. */
import { execFileSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseSync } from "vite";
import { describe, expect, it, onTestFinished } from "vitest";

interface SourceFile {
  path: string;
  text: string;
}

const sourceFiles = read([
  "src/**/*.ts",
  "stack/**/*.ts",
  "web/src/**/*.{ts,tsx}",
  "scripts/**/*.{ts,mjs}",
  "bench/**/*.ts",
]);
const testFiles = read(["test/**/*.{ts,tsx}"]).filter((file) => file.path !== "test/tidy.test.ts");

describe("names", () => {
  const emptyWord = /(?:Manager|Helper|Util|Utils|Handler|Processor|Base|Common|Data|Info|Misc)s?$/;

  it("no file is named by a word that says nothing", () => {
    const offenders = [...sourceFiles, ...testFiles].filter((file) => emptyWord.test(capitalised(lastWord(file.path))));
    expect(offenders.map((file) => file.path)).toEqual([]);
  });

  it("no exported name ends in a word that says nothing", () => {
    const exported =
      /^export (?:declare )?(?:async )?(?:abstract )?(?:function\*?|const|let|class|interface|type) (\w+)/gm;
    expect(findAll(sourceFiles, exported, (match) => emptyWord.test(match[1] ?? ""))).toEqual([]);
  });
});

describe("sizes", () => {
  it("a function is at most 70 lines, not counting the functions that stand in it", () => {
    const long = sourceFiles.flatMap((file) => ownLinesOfFunctions(file).filter(({ lines }) => lines > 70));
    expect(long.map(({ place, lines }) => `${place}: ${lines} lines`)).toEqual([]);
  });
});

describe("places", () => {
  it("Redis keys are built in src/upstash/keys.ts alone", () => {
    const elsewhere = sourceFiles.filter((file) => file.path.startsWith("src/") && file.path !== "src/upstash/keys.ts");
    expect(findAll(elsewhere, /["'`](?:session|memory|events|ratelimit|cache):/g)).toEqual([]);
  });

  it("no file passes on what another file defines", () => {
    expect(findAll(sourceFiles, /^export (?:type )?(?:\*|\{[^}]*\})[^;]*? from /gm)).toEqual([]);
  });

  it("no reminder stands in for the work", () => {
    expect(findAll([...sourceFiles, ...testFiles], /\b(?:TODO|FIXME)\b/g)).toEqual([]);
  });
});

describe("tests", () => {
  it("every test runs, and none excludes the others", () => {
    expect(findAll(testFiles, /\b(?:it|test|describe)\.(?:skip|only|todo|skipIf|fails)\b/g)).toEqual([]);
  });

  it("no test waits for time to pass", () => {
    const cases = testFiles.filter((file) => file.path.endsWith(".test.ts"));
    // `ctx.sleep` and `context.sleep` are steps of a run: they sleep on a clock that the test moves.
    expect(findAll(cases, /\bsetTimeout\(|(?<!\.)\bsleep\(|timers\/promises/g)).toEqual([]);
  });

  it("a title is a guarantee, without the word should", () => {
    expect(findAll(testFiles, /\b(?:it|test|describe)(?:\.each\([^)]*\))?\(\s*(["'`]).*?\bshould\b.*?\1/g)).toEqual([]);
  });
});

describe("documents", () => {
  it("every test that they name exists", () => {
    const named = globSync("docs/**/*.md").flatMap((file) => {
      const references = readFileSync(file, "utf8").matchAll(
        /`((?:unit|contract|simulation|workerd|process|e2e)\/[\w.-]+)`(?:: ([^;|)]+))?/g,
      );
      return [...references].map(([, name = "", title = ""]) => ({ place: `test/${name}`, title: title.trim() }));
    });
    const isThere = ({ place, title }: { place: string; title: string }) =>
      testFiles.some((file) => file.path === place && file.text.includes(title));
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((reference) => !isThere(reference))).toEqual([]);
  });
});

describe("lint", () => {
  it("refuses what the design forbids", { timeout: 30_000 }, () => {
    const bad: Record<string, { code: string; rule: string }> = {
      "src/event/up.ts": { code: 'import "../agent/turn.ts";', rule: "no-restricted-imports" },
      "src/core/up.ts": { code: 'import "../event/event-id.ts";', rule: "no-restricted-imports" },
      "src/tool/aside.ts": { code: 'import "../session/session.ts";', rule: "no-restricted-imports" },
      "src/agent/vendor.ts": { code: 'import "@upstash/redis";', rule: "no-restricted-imports" },
      "src/agent/http.ts": { code: 'import "hono";', rule: "no-restricted-imports" },
      "src/agent/adapter.ts": { code: 'import "../upstash/keys.ts";', rule: "no-restricted-imports" },
      "src/http/adapter.ts": { code: 'import "../model/client.ts";', rule: "no-restricted-imports" },
      "src/app.ts": { code: 'import "./upstash/keys.ts";', rule: "no-restricted-imports" },
      "src/http/stack.ts": { code: 'import "../../stack/clock.ts";', rule: "no-restricted-imports" },
      "src/system/node.ts": { code: 'import "node:fs";', rule: "no-restricted-imports" },
      "stack/worker.ts": { code: 'import "../src/app.ts";', rule: "no-restricted-imports" },
      "src/core/default.ts": { code: "export default 1;", rule: "no-default-export" },
      "src/core/floating.ts": { code: "const go = async () => {};\ngo();", rule: "no-floating-promises" },
      "src/core/long.ts": { code: "// a line\n".repeat(301), rule: "max-lines" },
    };
    const found = lint(Object.fromEntries(Object.entries(bad).map(([file, { code }]) => [file, code])));
    for (const [file, { rule }] of Object.entries(bad)) expect(found, file).toContain(`${file} ${rule}`);
  });

  it("lets the same imports pass where they belong", { timeout: 30_000 }, () => {
    const found = lint({
      "src/wire.ts": 'import "./upstash/keys.ts";\nimport "./agent/turn.ts";',
      "src/http/chat.ts": 'import "hono";\nimport "../agent/turn.ts";\nimport "../session/session.ts";',
      "src/agent/turn.ts": 'import "../event/event-id.ts";\nimport "../core/errors.ts";',
      "src/upstash/log.ts": 'import "@upstash/redis";\nimport "../event/event-id.ts";',
    });
    expect(found.filter((line) => line.includes("no-restricted-imports"))).toEqual([]);
  });
});

/** Lints snippets as if they stood in this repository; answers lines of `<file> <rule>`. */
function lint(snippets: Record<string, string>): string[] {
  const folder = mkdtempSync(path.join(tmpdir(), "skipstone-lint-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  symlinkSync(path.resolve("node_modules"), path.join(folder, "node_modules"));
  cpSync("oxlint.config.ts", path.join(folder, "oxlint.config.ts"));
  for (const [file, code] of Object.entries(snippets)) {
    mkdirSync(path.join(folder, path.dirname(file)), { recursive: true });
    writeFileSync(path.join(folder, file), `${code}\n`);
  }
  // Named one by one, else the linter walks through the link into node_modules.
  const topFolders = new Set(Object.keys(snippets).map((file) => file.split("/")[0] ?? ""));
  const report = JSON.parse(outputOf("oxlint", ["--format=json", ...topFolders], folder)) as {
    diagnostics: { filename: string; code: string }[];
  };
  return report.diagnostics.map(({ filename, code }) => `${filename} ${/\((.+)\)/.exec(code)?.[1] ?? code}`);
}

/** The linter exits with 1 when it finds something, which is what is asked of it here. */
function outputOf(command: string, args: string[], cwd: string): string {
  try {
    return execFileSync(path.resolve("node_modules/.bin", command), args, {
      cwd,
      encoding: "utf8",
      stdio: "pipe",
      timeout: 20_000,
    });
  } catch (error) {
    const { stdout } = error as { stdout?: string };
    if (stdout) return stdout;
    throw error;
  }
}

function read(patterns: string[]): SourceFile[] {
  const paths = globSync(patterns, { exclude: ["**/node_modules/**", "**/.tmp/**"] }).toSorted();
  return paths.map((file) => ({ path: file, text: readFileSync(file, "utf8") }));
}

function findAll(files: SourceFile[], pattern: RegExp, isOffence: (match: RegExpExecArray) => boolean = () => true) {
  return files.flatMap((file) =>
    [...file.text.matchAll(pattern)].filter(isOffence).map((match) => {
      const line = file.text.slice(0, match.index).split("\n").length;
      return `${file.path}:${line} ${match[0]}`;
    }),
  );
}

interface SyntaxNode {
  type: string;
  start: number;
  end: number;
}

/** A factory is read like a class: its inner functions are functions of their own, and only the rest is its body. */
function ownLinesOfFunctions(file: SourceFile): { place: string; lines: number }[] {
  const lineOf = (offset: number) => file.text.slice(0, offset).split("\n").length;
  const found: { place: string; lines: number }[] = [];

  /** Answers how many lines of `node` belong to functions inside it. */
  function visit(node: SyntaxNode): number {
    let innerLines = 0;
    for (const child of Object.values(node).flat()) if (isSyntaxNode(child)) innerLines += visit(child);
    if (!/Function(?:Declaration|Expression)$/.test(node.type)) return innerLines;
    const lines = lineOf(node.end) - lineOf(node.start) + 1;
    found.push({ place: `${file.path}:${lineOf(node.start)}`, lines: lines - innerLines });
    return lines > 1 ? lines : 0;
  }
  visit(parseSync(file.path, file.text).program);
  return found;
}

function isSyntaxNode(value: unknown): value is SyntaxNode {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

function lastWord(file: string): string {
  return path.basename(file).split(".")[0]?.split("-").at(-1) ?? "";
}

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

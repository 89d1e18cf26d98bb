/** What the documents tell people to type is there. */
import { globSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { bindingNames } from "../../scripts/environment/read-environment.ts";
import { ConfigError, parseConfig } from "../../src/config.ts";
import { isAsPrinted, npmCommands, shellCommands } from "../support/documented-commands.ts";

const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> };
const documents = ["README.md", "stack/README.md", ...globSync("docs/*.md")];
const readme = readFileSync("README.md", "utf8");

/** The program that a script runs, by the table of scripts/bootstrap.mjs. */
function programOf(script: string): string {
  const task = /^node scripts\/bootstrap\.mjs (\S+)$/.exec(scripts[script] ?? "")?.[1] ?? "";
  const table = readFileSync("scripts/bootstrap.mjs", "utf8");
  return new RegExp(`^ {2}"?${task}"?: "(.+)",$`, "m").exec(table)?.[1] ?? "";
}

describe("npm commands", () => {
  it.each(documents)("of %s have a script, with the options that are named", (file) => {
    for (const { script, options } of npmCommands(file)) {
      expect(Object.keys(scripts), file).toContain(script);
      const program = readFileSync(programOf(script), "utf8");
      for (const option of options) expect(program, `npm run ${script} -- --${option}`).toMatch(named(option));
    }
  });

  it("stand in the README's table, each of them", () => {
    const table = /^## Commands\n([\s\S]*?)^## /m.exec(readme)?.[1] ?? "";
    const missing = Object.keys(scripts).filter((script) => !new RegExp(`npm (?:run )?${script}[\` ]`).test(table));
    expect(missing).toEqual([]);
  });
});

/** As `parseArgs` has it, or as a plain argument. */
function named(option: string): RegExp {
  return new RegExp(`["']?${option}["']?: \\{|"--${option}"`);
}

describe("the bindings that the configuration reads", () => {
  it("stand in .dev.vars.example, and no other ones do", () => {
    expect(bindingNames.toSorted()).toEqual(namesRead());
  });

  it("stand in the README's table, each of them", () => {
    const table = /^## Configuration\n([\s\S]*?)^## /m.exec(readme)?.[1] ?? "";
    expect(namesRead().filter((name) => !table.includes(`\`${name}\``))).toEqual([]);
  });
});

/** Some are read only where another is set, some only where none is: asked once with all of them, once with none. */
function namesRead(): string[] {
  const names = new Set<string>();
  for (const value of ["x", ""]) {
    const env = new Proxy({}, { get: (_env, name) => (names.add(String(name)), value) });
    expect(() => parseConfig(env)).toThrow(ConfigError);
  }
  return [...names].toSorted();
}

describe("the numbers of the README", () => {
  it("are those of the bench", () => {
    const table = /^## Numbers\n[\s\S]*?^\|---.*\n([\s\S]*?)\n\n/m.exec(readme)?.[1] ?? "";
    const rows = table.split("\n").map((row) => row.split(" | "));
    expect(rows.length).toBeGreaterThan(1);
    const results = readFileSync("bench/RESULTS.md", "utf8").split("\n");
    for (const [name = "", ...numbers] of rows) {
      const measured = results.find((line) => line.startsWith(name) && line.includes(numbers[0]!));
      for (const number of numbers) expect(measured, `${name}: ${number}`).toContain(number.replace(/ \|$/, ""));
    }
  });
});

describe("shell blocks", () => {
  it("of the README begin with what starts it and what checks it", () => {
    expect(shellCommands("README.md").slice(0, 2)).toEqual([
      { command: "npm start", prints: undefined },
      { command: "npm test", prints: undefined },
    ]);
  });

  it.each([
    ["{…}", '{"a":1}\n', true],
    ["a…b", "a[1]b", true],
    ["a…b", "ab c", false],
    ["a.b", "axb", false],
    ["", "", true],
  ])("say %s, which %j fits: %s", (prints, text, isFitting) => {
    expect(isAsPrinted(text, prints)).toBe(isFitting);
  });
});

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { mergeVars, readVars } from "../../scripts/environment/vars-text.ts";
import { writeWhole } from "../../scripts/environment/write-whole.ts";
import { alertLookCommands, forecast, type Load } from "../../scripts/doctor/forecast.ts";

describe("the text of a .dev.vars", () => {
  it("reads quoted, exported, spaced and commented lines", () => {
    const text = "# a\nA=1\nexport B='two words'\n C = three # why\r\nD=\"#4\"\nE=\nA=last\nnonsense\n";
    expect(Object.fromEntries(readVars(text))).toEqual({ A: "last", B: "two words", C: "three", D: "#4", E: "" });
  });

  it("keeps every line that is not changed, and puts new names at the end", () => {
    const text = "# head\n\nA=1\nB=2 # stays\n";
    expect(
      mergeVars(
        text,
        new Map([
          ["A", "x y"],
          ["C", "3"],
        ]),
      ),
    ).toBe("# head\n\nA='x y'\nB=2 # stays\nC=3\n");
  });

  it.each(["plain", "with space", "a'b", 'a"b', "a'b\"c", "#hash", "eyJ=", "$HOME", ""])(
    "reads what it has written: %s",
    (value) => {
      expect(readVars(mergeVars("", new Map([["A", value]]))).get("A")).toBe(value);
    },
  );

  it("refuses a value that no line can hold", () => {
    expect(() => mergeVars("", new Map([["A", "a\nb"]]))).toThrow("A cannot be written");
    expect(() => mergeVars("", new Map([["A", "'\"`"]]))).toThrow("A cannot be written");
  });
});

describe("writing the file", () => {
  it("replaces it as a whole, for its owner alone; what fails leaves nothing behind", () => {
    const folder = mkdtempSync(path.join(tmpdir(), "vars-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = path.join(folder, ".dev.vars");
    writeFileSync(file, "old", { mode: 0o644 });
    writeWhole(file, "new");
    expect(readFileSync(file, "utf8")).toBe("new");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(() => writeWhole(folder, "x")).toThrow();
    expect(readdirSync(folder)).toEqual([".dev.vars"]);
  });
});

describe("the bill", () => {
  const free = { workersPlan: "free", model: { name: "m" }, modelPrices: {} } as const;
  const wordsOf = (load: Partial<Load>, config: Parameters<typeof forecast>[1] = free): string[] =>
    forecast({ turnsADay: 0, runsADay: 0, ...load }, config).map(({ words }) => words);

  it("of nobody is that of the sweep, its look for alerts and the cron trigger, which the free plans carry", () => {
    const costs = JSON.parse(readFileSync("bench/costs.json", "utf8")) as Record<string, { commands: number }>;
    const commands = 30 * 24 * (60 * costs["POST /api/engine/resume"]!.commands + 12 * alertLookCommands);
    const [redis, qstash, workers] = wordsOf({});
    const count = commands.toLocaleString("en-US");
    expect(redis).toContain(`${count} commands a month, ${count} of them of the sweep and its look for alerts; within`);
    expect(qstash).toContain("0 messages a day; within the free plan");
    expect(workers).toContain("1,440 requests a day, 1,440 of them of the cron trigger; within the free plan");
  });

  it("is told at the limit of a free plan, and one beyond", () => {
    expect(wordsOf({ runsADay: 1_000 })[1]).toContain("within the free plan's 1,000");
    expect(wordsOf({ runsADay: 1_001 })[1]).toContain("more than the free plan's 1,000; about $0.30 a month");
  });

  it("has the model's tokens, and their money where the model has a price", () => {
    expect(wordsOf({ turnsADay: 100 })[3]).toContain("6,000,000 tokens in and 900,000 out a month");
    expect(wordsOf({ turnsADay: 100 })[3]).toContain("MODEL_PRICES has no price of m");
    const priced = { ...free, modelPrices: { m: { input: 0.25, output: 2 } } };
    expect(wordsOf({ turnsADay: 100 }, priced)[3]).toContain("about $3.30 a month by MODEL_PRICES");
  });
});

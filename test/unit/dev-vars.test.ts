import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseEnv } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { readEnvironment, valuesOf } from "../../scripts/environment/read-environment.ts";
import { mergeVars, readVars } from "../../scripts/environment/vars-text.ts";
import { writeWhole } from "../../scripts/environment/write-whole.ts";
import { devVarNames } from "../../stack/dev-vars.ts";
import { writeEnvFiles } from "../../stack/env-files.ts";
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

describe("what npm start makes of a .dev.vars", () => {
  const generated = { UPSTASH_REDIS_REST_URL: "ours", UPSTASH_REDIS_REST_TOKEN: "ours", MODEL_BASE_URL: "ours" };

  /** As wrangler reads the files, and as the doctor does. */
  function bindingsWith(text: string): { app: object; doctor: object } {
    const folder = mkdtempSync(path.join(tmpdir(), "start-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = path.join(folder, ".dev.vars");
    writeFileSync(file, text);
    const files = writeEnvFiles(folder, generated, file);
    const app = Object.assign({}, ...files.map((each) => parseEnv(readFileSync(each, "utf8")))) as object;
    expect(readFileSync(file, "utf8")).toBe(text);
    return { app, doctor: valuesOf(readEnvironment(file, files[0]!, {})) };
  }

  it.each<[string, string, Readonly<Record<string, string>>]>([
    ["goes before what is generated", "MODEL_BASE_URL=mine\n", { ...generated, MODEL_BASE_URL: "mine" }],
    ["does not where it is empty", 'MODEL_BASE_URL=\nUPSTASH_REDIS_REST_URL=""\n', generated],
    [
      "goes before it by the other names of Redis, too",
      "UPSTASH_REDIS_URL=mine\nUPSTASH_REDIS_TOKEN=mine\nUPSTASH_REDIS_REST_URL=\n",
      { UPSTASH_REDIS_URL: "mine", UPSTASH_REDIS_TOKEN: "mine", MODEL_BASE_URL: "ours" },
    ],
    [
      "is read by the first name where both are set",
      "UPSTASH_REDIS_URL=other\nUPSTASH_REDIS_REST_URL=mine\n",
      { ...generated, UPSTASH_REDIS_REST_URL: "mine", UPSTASH_REDIS_URL: "other" },
    ],
  ])("%s, for the app and for the doctor", (_what, text, expected) => {
    const { app, doctor } = bindingsWith(text);
    expect(Object.fromEntries(Object.entries(app).filter(([, value]) => value !== ""))).toEqual(expected);
    expect(doctor).toEqual(expected);
  });

  it("tells the names that are set from those with nothing behind them", () => {
    const folder = mkdtempSync(path.join(tmpdir(), "names-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(path.join(folder, "vars"), "MODEL_BASE_URL=\nMODEL_NAME=m\nLOG_LEVEL= # none\n");
    expect(devVarNames(path.join(folder, "vars"))).toEqual({
      set: new Set(["MODEL_NAME"]),
      empty: new Set(["MODEL_BASE_URL", "LOG_LEVEL"]),
    });
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

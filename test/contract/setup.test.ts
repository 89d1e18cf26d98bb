/** The wizard and the local stack, at a terminal. */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readVars } from "../../scripts/environment/vars-text.ts";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";
import { openTerminal, type Terminal } from "../support/terminal.ts";
import { setupAnswers } from "../support/setup-answers.ts";

let stack: RunningStack;
let folder: string;
let file: string;
beforeAll(async () => {
  stack = await startStack();
});
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "setup-"));
  file = path.join(folder, ".dev.vars");
});
afterEach(() => rmSync(folder, { recursive: true }));
afterAll(() => stack.close());

function open(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Terminal {
  return openTerminal(["scripts/setup/main.ts", "--file", file, ...args], { PATH: process.env["PATH"] ?? "", ...env });
}

const goodSecret = "a secret of 32 characters or more";

const credentials = (): Record<string, string> => setupAnswers(stack, "http://127.0.0.1:8787");

function written(): Record<string, string> {
  return Object.fromEntries(readVars(readFileSync(file, "utf8")));
}

async function answer(terminal: Terminal, question: string, value = ""): Promise<void> {
  await terminal.see(`(${question})`);
  terminal.type(value);
  terminal.enter();
}

async function answerRedis(terminal: Terminal, token: string): Promise<void> {
  await answer(terminal, "UPSTASH_REDIS_REST_URL", stack.redisUrl);
  await answer(terminal, "UPSTASH_REDIS_REST_TOKEN", token);
}

interface Ways {
  readonly queue?: "y" | "n";
  /** Everything but the queue is in the file: Enter keeps it. */
  readonly isKept?: boolean;
}

async function answerTheRest(terminal: Terminal, { queue = "y", isKept = false }: Ways = {}): Promise<void> {
  const orKept = (value: string): string => (isKept ? "" : value);
  await terminal.see("Use QStash?");
  terminal.type(queue);
  if (queue === "y") {
    await answer(terminal, "QSTASH_URL", stack.qstashUrl);
    await answer(terminal, "QSTASH_TOKEN", stack.qstashToken);
    await terminal.see("Both signing keys are read");
  }
  await answer(terminal, "MODEL_BASE_URL", orKept(stack.modelBaseUrl));
  await answer(terminal, "MODEL_API_KEY", orKept(stack.modelApiKey));
  await answer(terminal, "MODEL_NAME", orKept("offline"));
  await terminal.see("The model answers");
  await answer(terminal, "APP_URL", orKept("http://127.0.0.1:8787"));
}

async function answerAll(terminal: Terminal, ways: Ways = {}): Promise<void> {
  await answer(terminal, "UPSTASH_REDIS_REST_URL", ways.isKept === true ? "" : stack.redisUrl);
  await answer(terminal, "UPSTASH_REDIS_REST_TOKEN", ways.isKept === true ? "" : stack.redisToken);
  await answerTheRest(terminal, ways);
}

async function agreeAndEnd(terminal: Terminal): Promise<number> {
  await terminal.see("Write");
  terminal.enter();
  await terminal.see("Make them secrets of the deployed Worker");
  terminal.enter();
  return terminal.ended;
}

/** As a script runs it: its input is no terminal. */
async function piped(): Promise<{ exitCode: number; shown: string }> {
  const env = { PATH: process.env["PATH"] ?? "", ...credentials() };
  const program = spawn(process.execPath, ["scripts/setup/main.ts", "--file", file], { env });
  const exitCode = new Promise<number>((resolve) => program.once("close", resolve));
  program.stdin.end("\n");
  const shown = await text(program.stdout);
  return { exitCode: await exitCode, shown };
}

describe("a person at the wizard", () => {
  it("gets a file that only they can read, with what was asked, what was found out and fresh keys", async () => {
    const terminal = open();
    await answerRedis(terminal, stack.redisToken);
    await answerTheRest(terminal);
    expect(await agreeAndEnd(terminal)).toBe(0);
    // npm start reads another file.
    expect(terminal.shown()).toContain(`Next: npm run deploy -- --file ${file}, then npm run doctor`);
    expect(written()).toMatchObject({
      ...credentials(),
      QSTASH_CURRENT_SIGNING_KEY: stack.currentSigningKey,
      QSTASH_NEXT_SIGNING_KEY: stack.nextSigningKey,
      SESSION_SECRET: expect.stringMatching(/^[0-9a-f]{64}$/),
      INTERNAL_SYSTEM_KEY: expect.stringMatching(/^[0-9a-f]{64}$/),
      ENCRYPTION_KEYS: expect.stringMatching(/^k1:[\w+/]{43}=$/),
      ENVIRONMENT: "development",
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(terminal.shown()).not.toContain(stack.redisToken);
    expect(terminal.shown()).not.toContain(stack.currentSigningKey);
  });

  it("is told of wrong and of half-right credentials in words, and tries again", async () => {
    const terminal = open();
    await answerRedis(terminal, "wrong");
    await terminal.see("Redis does not accept the token.");
    await terminal.see("Enter them again");
    terminal.enter();
    await answer(terminal, "UPSTASH_REDIS_REST_URL");
    await answer(terminal, "UPSTASH_REDIS_REST_TOKEN", stack.redisReadOnlyToken);
    await terminal.see("read-only token");
    await terminal.see("Enter them again");
    terminal.enter();
    await answer(terminal, "UPSTASH_REDIS_REST_URL");
    await answer(terminal, "UPSTASH_REDIS_REST_TOKEN", stack.redisToken);
    await answerTheRest(terminal);
    expect(await agreeAndEnd(terminal)).toBe(0);
    expect(written()["UPSTASH_REDIS_REST_TOKEN"]).toBe(stack.redisToken);
  });

  it("who leaves half-way finds the old file as it was, and nothing beside it", async () => {
    writeFileSync(file, "# mine\nMODEL_NAME=other\n");
    const terminal = open();
    await terminal.see("Change it?");
    terminal.enter();
    await answerRedis(terminal, stack.redisToken);
    await terminal.see("Use QStash?");
    terminal.press("ctrl-c");
    expect(await terminal.ended).toBe(130);
    expect(readFileSync(file, "utf8")).toBe("# mine\nMODEL_NAME=other\n");
    expect(readdirSync(folder)).toEqual([".dev.vars"]);
  });
});

describe("a person with a file", () => {
  it.each(["Change it?", "Write them to"])("who says no to %j finds it as it was", async (question) => {
    writeFileSync(file, "# mine\nLOG_LEVEL=debug\n");
    const terminal = open();
    await terminal.see("Change it?");
    if (question !== "Change it?") {
      terminal.enter();
      await answerAll(terminal);
      await terminal.see(question);
    }
    terminal.type("n");
    expect(await terminal.ended).toBe(1);
    expect(terminal.shown()).toContain("Nothing was written.");
    expect(readFileSync(file, "utf8")).toBe("# mine\nLOG_LEVEL=debug\n");
    expect(readdirSync(folder)).toEqual([".dev.vars"]);
  });

  it("who once did without QStash uses it after the next run, in which they say yes", async () => {
    const first = open();
    await answerAll(first, { queue: "n" });
    expect(await agreeAndEnd(first)).toBe(0);
    expect(written()).toMatchObject({ QUEUE: "fetch" });
    const second = open();
    await second.see("Change it?");
    second.enter();
    await answerAll(second, { isKept: true });
    expect(await agreeAndEnd(second)).toBe(0);
    expect(written()).toMatchObject({ QUEUE: "qstash", QSTASH_TOKEN: stack.qstashToken });
  });

  it("is asked whether what the app would refuse may be made anew; a key that may have sealed something stays at Enter", async () => {
    writeFileSync(file, "SESSION_SECRET=short\nENCRYPTION_KEYS=k1:mistyped\n");
    const terminal = open();
    await terminal.see("Change it?");
    terminal.enter();
    await answerAll(terminal);
    await terminal.see("Replace SESSION_SECRET by a fresh one?");
    terminal.enter();
    await terminal.see("Replace ENCRYPTION_KEYS by a fresh one?");
    terminal.enter();
    expect(await agreeAndEnd(terminal)).toBe(0);
    const { SESSION_SECRET: secret, ENCRYPTION_KEYS: keys } = written();
    expect([secret, keys]).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), "k1:mistyped"]);
    expect(terminal.shown()).not.toContain("mistyped");
  });
});

describe("without a person", () => {
  it("all comes from the environment, and what a file holds beside it stays, comments included", async () => {
    writeFileSync(file, `# of the team\nLOG_LEVEL=debug # loud\nMODEL_NAME=old\nSESSION_SECRET='${goodSecret}'\n`, {
      mode: 0o644,
    });
    const terminal = open(["--yes"], { ...credentials(), INTERNAL_SYSTEM_KEY: goodSecret });
    expect(await terminal.ended).toBe(0);
    expect(readFileSync(file, "utf8")).toContain(
      `# of the team\nLOG_LEVEL=debug # loud\nMODEL_NAME=offline\nSESSION_SECRET='${goodSecret}'\n`,
    );
    expect(written()["INTERNAL_SYSTEM_KEY"]).toBe(goodSecret);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it.each([
    ["a token that is wrong", { UPSTASH_REDIS_REST_TOKEN: "wrong" }, "Redis does not accept the token."],
    ["a server that is not there", { UPSTASH_REDIS_REST_URL: "http://nobody.invalid" }, "Redis does not answer"],
    ["a token of another region", { QSTASH_TOKEN: "wrong" }, "QStash does not accept the token"],
    ["a key that the model refuses", { MODEL_API_KEY: "wrong" }, "The model provider refuses the key."],
    ["a name that is missing", { MODEL_NAME: "" }, "MODEL_NAME is not set."],
    ["an address that is none", { APP_URL: "example" }, "APP_URL: that is no http(s) URL."],
    [
      "a queue that nobody asked to do without",
      { QSTASH_URL: "", QSTASH_TOKEN: "" },
      "nobody has set QSTASH_TOKEN, nor asked to do without.",
    ],
    ["half of a queue", { QSTASH_TOKEN: "" }, "QSTASH_TOKEN is not set."],
  ])("%s writes nothing and says so", async (_case, over, words) => {
    const terminal = open(["--yes"], { ...credentials(), ...over });
    expect(await terminal.ended).toBe(1);
    expect(terminal.shown()).toContain(words);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("does without QStash where QUEUE=fetch asks for it, and takes it once its values are there", async () => {
    const { QSTASH_URL: _url, QSTASH_TOKEN: _token, ...withoutQstash } = credentials();
    expect(await open(["--yes"], { ...withoutQstash, QUEUE: "fetch" }).ended).toBe(0);
    expect(written()).toMatchObject({ QUEUE: "fetch" });
    // Who has asked for it in the file need not ask again.
    expect(await open(["--yes"], withoutQstash).ended).toBe(0);
    expect(written()).toMatchObject({ QUEUE: "fetch" });
    expect(await open(["--yes"], credentials()).ended).toBe(0);
    expect(written()).toMatchObject({ QUEUE: "qstash", QSTASH_TOKEN: stack.qstashToken });
    expect(await open(["--yes"], { ...credentials(), QUEUE: "fetch" }).ended).toBe(0);
    expect(written()).toMatchObject({ QUEUE: "fetch" });
  });

  it.each([
    ["SESSION_SECRET=short", "SESSION_SECRET has 5 characters"],
    ["INTERNAL_SYSTEM_KEY=short", "INTERNAL_SYSTEM_KEY has fewer"],
    ["ENCRYPTION_KEYS=k1:short", "ENCRYPTION_KEYS is set, but is no list"],
    ["ENVIRONMENT=staging", "ENVIRONMENT has another value"],
  ])("%s in the file is told of, and left as it is", async (line, words) => {
    writeFileSync(file, `${line}\n`);
    const terminal = open(["--yes"], credentials());
    expect(await terminal.ended).toBe(1);
    expect(terminal.shown()).toContain(words);
    expect(readFileSync(file, "utf8")).toBe(`${line}\n`);
  });

  it("and without --yes a file that is there stays as it is, which is said; one that is not is written", async () => {
    writeFileSync(file, "MODEL_NAME=other\n");
    const refused = await piped();
    expect(refused.exitCode).toBe(1);
    expect(refused.shown).toContain("nobody is here to say whether it may change");
    expect(readFileSync(file, "utf8")).toBe("MODEL_NAME=other\n");
    rmSync(file);
    expect((await piped()).exitCode).toBe(0);
    expect(written()).toMatchObject(credentials());
  });

  it("run twice it changes nothing the second time", async () => {
    expect(await open(["--yes"], credentials()).ended).toBe(0);
    const first = readFileSync(file, "utf8");
    const again = open(["--yes"], credentials());
    expect(await again.ended).toBe(0);
    expect(again.shown()).toContain("has all of it already");
    expect(readFileSync(file, "utf8")).toBe(first);
  });
});

/** The wizard and the local stack, at a terminal. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readVars } from "../../scripts/environment/vars-text.ts";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";
import { openTerminal, type Terminal } from "../support/terminal.ts";

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

function credentials(): Record<string, string> {
  return {
    UPSTASH_REDIS_REST_URL: stack.redisUrl,
    UPSTASH_REDIS_REST_TOKEN: stack.redisToken,
    QSTASH_URL: stack.qstashUrl,
    QSTASH_TOKEN: stack.qstashToken,
    MODEL_BASE_URL: stack.modelBaseUrl,
    MODEL_API_KEY: stack.modelApiKey,
    MODEL_NAME: "offline",
    APP_URL: "http://127.0.0.1:8787",
  };
}

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

async function answerTheRest(terminal: Terminal): Promise<void> {
  await terminal.see("Use QStash?");
  terminal.enter();
  await answer(terminal, "QSTASH_URL", stack.qstashUrl);
  await answer(terminal, "QSTASH_TOKEN", stack.qstashToken);
  await terminal.see("Both signing keys are read");
  await answer(terminal, "MODEL_BASE_URL", stack.modelBaseUrl);
  await answer(terminal, "MODEL_API_KEY", stack.modelApiKey);
  await answer(terminal, "MODEL_NAME", "offline");
  await terminal.see("The model answers");
  await answer(terminal, "APP_URL", "http://127.0.0.1:8787");
}

async function agreeAndEnd(terminal: Terminal): Promise<number> {
  await terminal.see("Write");
  terminal.enter();
  await terminal.see("Make them secrets of the deployed Worker");
  terminal.enter();
  return terminal.ended;
}

describe("a person at the wizard", () => {
  it("gets a file that only they can read, with what was asked, what was found out and fresh keys", async () => {
    const terminal = open();
    await answerRedis(terminal, stack.redisToken);
    await answerTheRest(terminal);
    expect(await agreeAndEnd(terminal)).toBe(0);
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

describe("without a person", () => {
  it("all comes from the environment, and what a file holds beside it stays, comments included", async () => {
    writeFileSync(file, "# of the team\nLOG_LEVEL=debug # loud\nMODEL_NAME=old\nSESSION_SECRET='kept'\n", {
      mode: 0o644,
    });
    const terminal = open(["--yes"], credentials());
    expect(await terminal.ended).toBe(0);
    expect(readFileSync(file, "utf8")).toMatch(
      /^# of the team\nLOG_LEVEL=debug # loud\nMODEL_NAME=offline\nSESSION_SECRET='kept'\n/,
    );
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it.each([
    ["a token that is wrong", { UPSTASH_REDIS_REST_TOKEN: "wrong" }, "Redis does not accept the token."],
    ["a server that is not there", { UPSTASH_REDIS_REST_URL: "http://nobody.invalid" }, "Redis does not answer"],
    ["a token of another region", { QSTASH_TOKEN: "wrong" }, "QStash does not accept the token"],
    ["a key that the model refuses", { MODEL_API_KEY: "wrong" }, "The model provider refuses the key."],
    ["a name that is missing", { MODEL_NAME: "" }, "MODEL_NAME is not set."],
    ["an address that is none", { APP_URL: "example" }, "That is no http(s) URL."],
  ])("%s writes nothing and says so", async (_case, over, words) => {
    const terminal = open(["--yes"], { ...credentials(), ...over });
    expect(await terminal.ended).toBe(1);
    expect(terminal.shown()).toContain(words);
    expect(readdirSync(folder)).toEqual([]);
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

/** The doctor, the local stack and the app: each broken thing is named, with what mends it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { clockFinding } from "../../scripts/environment/check-redis.ts";
import { exampleValues, mendOf } from "../../scripts/doctor/mend-of.ts";
import { bindingNames } from "../../scripts/environment/read-environment.ts";
import { problemOf, wizardNames } from "../../scripts/setup/questions.ts";
import { appBindings } from "../../stack/app-bindings.ts";
import { startTestApp, type TestApp } from "../support/test-app.ts";
import { openTerminal } from "../support/terminal.ts";

let app: TestApp;
let folder: string;
beforeAll(async () => {
  app = await startTestApp();
  folder = mkdtempSync(path.join(tmpdir(), "doctor-"));
});
afterEach(() => {
  app.stack.faults.clear();
  app.stack.model.reset();
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await app.close();
});

interface Examined {
  exitCode: number;
  shown: string;
}

async function examine(over: Readonly<Record<string, string>> = {}, args: readonly string[] = []): Promise<Examined> {
  const file = path.join(folder, ".dev.vars");
  const bindings = { ...appBindings(app.stack, app.url), ...over };
  writeFileSync(
    file,
    Object.entries(bindings)
      .map(([name, value]) => `${name}="${value}"\n`)
      .join(""),
  );
  // A port at which `npm start` has left nothing here.
  const env = { PATH: process.env["PATH"] ?? "", APP_PORT: "0" };
  const terminal = openTerminal(["scripts/doctor/main.ts", "--file", file, ...args], env);
  const exitCode = await terminal.ended;
  return { exitCode, shown: terminal.shown().replaceAll(/\r?\n\s*/g, "\n") };
}

async function deadLetters(): Promise<unknown> {
  const headers = { Authorization: `Bearer ${app.stack.qstashToken}` };
  const answer = await fetch(`${app.stack.qstashUrl}/v2/dlq`, { headers });
  return ((await answer.json()) as { messages: unknown }).messages;
}

/** A command, or a line for the file. */
const mends = /^→ (?:npm (?:run|start)|npx wrangler|tail|sudo|unset [A-Z]|export [A-Z]|the line [A-Z_]+=)/;

describe("the doctor", () => {
  it("finds everything right: each variable has its mark, a signed message arrives, both keys are verified", async () => {
    const { exitCode, shown } = await examine();
    for (const line of [
      "1. Checking environment variables…",
      "✓ QSTASH_TOKEN: set (.dev.vars)",
      "✓ QSTASH_CURRENT_SIGNING_KEY: set (.dev.vars)",
      "✓ QStash configured: yes",
      "2. Initializing QStashService…",
      "✓ QStashService initialized successfully",
      "✓ The clocks agree.",
      "✓ A signed delivery arrives, and its signature holds.",
      "✓ The app verifies the current signing key.",
      "✓ The app verifies the next signing key.",
      "✓ The model answers",
      "✓ QStash is fully configured and ready!",
      "✓ Everything is configured and ready.",
    ])
      expect(shown).toContain(line);
    expect(exitCode).toBe(0);
  });

  it("prints no secret, in words or as JSON, also when all of them are wrong", async () => {
    const planted = {
      UPSTASH_REDIS_REST_TOKEN: "planted-redis-token",
      QSTASH_TOKEN: "planted-qstash-token",
      QSTASH_CURRENT_SIGNING_KEY: "planted-current-key",
      QSTASH_NEXT_SIGNING_KEY: "planted-next-key",
      MODEL_API_KEY: "planted-model-key",
      SESSION_SECRET: "planted-short",
    };
    const inWords = await examine(planted);
    const asJson = await examine(planted, ["--json"]);
    expect(inWords.shown + asJson.shown).not.toContain("planted-");
    expect([inWords.exitCode, asJson.exitCode]).toEqual([1, 1]);
  });

  it("says the same as JSON", async () => {
    const { exitCode, shown } = await examine({ MODEL_API_KEY: "wrong" }, ["--json"]);
    expect(JSON.parse(shown)).toMatchObject({
      isOk: false,
      sections: expect.arrayContaining([
        {
          title: "Asking the model…",
          findings: [
            {
              isOk: false,
              words: "The model provider refuses the key. MODEL_API_KEY holds it.",
              mend: expect.stringMatching(/^npm run setup -- --file .*\.dev\.vars$/),
            },
          ],
        },
      ]),
    });
    expect(exitCode).toBe(1);
  });

  it.each([
    ["a variable that is missing", { MODEL_NAME: "" }, "✗ MODEL_NAME is not set"],
    ["no queue", { QSTASH_TOKEN: "" }, "✗ QStash configured: no"],
    ["Redis at another address", { UPSTASH_REDIS_REST_URL: "http://nobody.invalid" }, "✗ Redis does not answer"],
    ["a wrong token of Redis", { UPSTASH_REDIS_REST_TOKEN: "wrong" }, "✗ Redis does not accept the token."],
    ["a wrong token of QStash", { QSTASH_TOKEN: "wrong" }, "✗ QStash does not accept the token"],
    [
      "a wrong signing key",
      { QSTASH_CURRENT_SIGNING_KEY: "sig_wrong" },
      '✗ QSTASH_CURRENT_SIGNING_KEY is not the key that QStash signs with: deliveries would fail with "Invalid QStash signature".',
    ],
    ["an app that does not run", { APP_URL: "http://nobody.invalid" }, "✗ The app does not answer"],
    ["a secret that is too short", { SESSION_SECRET: "short" }, "✗ SESSION_SECRET has 5 characters"],
    ["half an identity provider", { AUTH_ISSUER: "https://login.example.com/" }, "✗ AUTH_AUDIENCE is not set"],
    ["a plan that there is not", { WORKERS_PLAN: "large" }, "✗ WORKERS_PLAN has another value"],
  ])("names %s, with the command or the line that mends it, and exits 1", async (_case, over, words) => {
    const { exitCode, shown } = await examine(over);
    expect(shown).toContain(words);
    const lines = shown.split("\n");
    const wrongs = lines.filter((line) => line.startsWith("✗ ") && !line.includes("docs/troubleshooting.md"));
    for (const line of wrongs) expect(lines[lines.indexOf(line) + 1], line).toMatch(mends);
    expect(wrongs.length).toBeGreaterThan(0);
    expect(exitCode).toBe(1);
  });

  it("has a line for each variable of the queue, and its section, also where there is none", async () => {
    const none = { QSTASH_TOKEN: "", QSTASH_CURRENT_SIGNING_KEY: "", QSTASH_NEXT_SIGNING_KEY: "" };
    const forgotten = await examine(none);
    const asked = await examine({ ...none, QUEUE: "fetch" });
    for (const name of Object.keys(none)) {
      expect(forgotten.shown).toContain(`✗ ${name}: not set\n→ npm run setup`);
      expect(asked.shown).toContain(`✓ ${name}: not set, and QUEUE=fetch does without it`);
    }
    for (const { shown } of [forgotten, asked]) expect(shown).toContain("2. Initializing QStashService…");
    const { shown } = await examine({ ...none, QSTASH_URL: "" });
    expect(shown).toContain("✓ QSTASH_URL: not set, which is https://qstash.upstash.io");
    expect(forgotten.shown).toContain("✗ QStashService not initialized: QSTASH_TOKEN is not set.");
    expect(asked.shown).toContain("✓ QStash configured: no; QUEUE=fetch asks for it");
    expect(asked.shown).not.toContain("QStash is fully configured");
  });

  it("takes a queue that somebody does without for right, also where its token has stayed, as the wizard leaves it", async () => {
    app.rebind({ QUEUE: "fetch" });
    const { exitCode, shown } = await examine({ QUEUE: "fetch" });
    app.rebind({ ...appBindings(app.stack, app.url), QUEUE: "" });
    expect(shown).toContain("✓ QStash configured: no; QUEUE=fetch asks for it");
    expect(shown).toContain("and QSTASH_TOKEN is not used");
    expect(exitCode).toBe(0);
  });

  it("names an app that was deployed with other signing keys", async () => {
    app.rebind({ QSTASH_CURRENT_SIGNING_KEY: "sig_old", QSTASH_NEXT_SIGNING_KEY: "sig_older" });
    const { exitCode, shown } = await examine();
    app.rebind(appBindings(app.stack, app.url));
    // What it has sent is no incident.
    expect(await deadLetters()).toEqual([]);
    expect(shown).toContain("✗ Invalid QStash signature: the app refuses the delivery.");
    expect(shown).toContain("✗ The app does not verify the current signing key");
    expect(exitCode).toBe(1);
  });

  it("names a model that is down", async () => {
    app.stack.model.script({ kind: "server-error", status: 500, times: 20 });
    expect((await examine()).shown).toContain("✗ The model answers with status 500.");
  });

  it("names a load that the free plan does not carry", async () => {
    const { shown } = await examine({}, ["--turns", "50000"]);
    expect(shown).toContain(
      "✗ Workers: 101,480 requests a day, 1,440 of them of the cron trigger; the free plan ends at 100,000.",
    );
    expect(shown).toMatch(/^→ npm run deploy -- --file .*\.dev\.vars --env paid, and the line WORKERS_PLAN=paid in /m);
  });
});

describe("what mends a variable", () => {
  it.each(bindingNames)("%s is the wizard, or a line that the app takes", (name) => {
    if (wizardNames.includes(name)) return expect(mendOf(name)).toBe("npm run setup");
    expect(mendOf(name)).toContain(`the line ${name}=`);
    expect(problemOf(name, exampleValues[name] ?? "")).toBeUndefined();
    expect(exampleValues[name]).toBeDefined();
  });

  it("that npm start sets by itself is the line that is in its way, over the local stack alone", () => {
    const over = (redis: string) =>
      new Map(
        ["SESSION_SECRET", "ENCRYPTION_KEYS", "ENVIRONMENT", "UPSTASH_REDIS_REST_URL"].map((name) => [
          name,
          { value: "x", source: name === "UPSTASH_REDIS_REST_URL" ? redis : ".dev.vars" },
        ]),
      );
    const local = over("npm start");
    expect(mendOf("SESSION_SECRET has 5 characters", local)).toBe(
      "take the line SESSION_SECRET out of .dev.vars, or give it what openssl rand -hex 32 prints",
    );
    expect(mendOf("ENVIRONMENT has another value", local)).toBe("take the line ENVIRONMENT out of .dev.vars");
    // It may have sealed something.
    expect(mendOf("ENCRYPTION_KEYS is set, but", local)).toBe("npm run setup");
    expect(mendOf("SESSION_SECRET has 5 characters", over(".dev.vars"))).toBe("npm run setup");
  });

  it("that the environment sets is the environment: it goes before the file", () => {
    const bindings = new Map(["MODEL_NAME", "LOG_LEVEL"].map((name) => [name, { value: "x", source: "environment" }]));
    expect(mendOf("MODEL_NAME", bindings)).toBe("unset MODEL_NAME, then npm run setup");
    expect(mendOf("LOG_LEVEL", bindings)).toBe("export LOG_LEVEL='info', or unset LOG_LEVEL");
  });
});

describe("the clock of Redis", () => {
  it.each([
    [0, true],
    [30, true],
    [31, false],
    [-31, false],
  ])("that differs by %i s is fine: %s", (seconds, isOk) => {
    expect(clockFinding([String(1_000_000 + seconds), "0"], 1_000_000_000).isOk).toBe(isOk);
  });

  it("that is none is said", () => {
    expect(clockFinding(undefined, 0)).toMatchObject({ isOk: false });
  });
});

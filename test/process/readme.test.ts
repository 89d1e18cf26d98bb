/**
 * The README followed word by word, by somebody who has just cloned: what it starts comes up, what it asks is answered as it says. Troubleshooting, too.
 *
 * The clone has the files that git tracks, as they are in this tree, and nothing that was built here. Only `npm ci` is spared: its `node_modules` is ours.
 */
import { execFile, execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { readVars } from "../../scripts/environment/vars-text.ts";
import { LOCAL_INTERNAL_KEY } from "../../stack/app-bindings.ts";
import { LOCAL_CREDENTIALS } from "../../stack/credentials.ts";
import { freePort } from "../../stack/free-port.ts";
import { startGuarded, type GuardedProcess } from "../../stack/guarded-process.ts";
import {
  codeBlocks,
  isAsPrinted,
  shellCommands,
  withLinesAdded,
  type DocumentedCommand,
} from "../support/documented-commands.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const documentedUrl = "http://127.0.0.1:8787";
/** As somebody's shell has it, who is not inside of an npm script. */
const shell = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("npm_")));
const curls = (file: string) => shellCommands(file).filter(({ command }) => command.startsWith("curl "));

let clone: string;
let url: string;
let ports: Record<string, string>;
let started: GuardedProcess | undefined;
const printed: string[] = [];

beforeAll(async () => {
  clone = cloned();
  const [appPort, stackPort] = [await freePort(0), await freePort(0)];
  url = `http://127.0.0.1:${appPort}`;
  ports = { APP_PORT: String(appPort), STACK_PORT: String(stackPort) };
  const { promise: isUp, resolve, reject } = Promise.withResolvers<void>();
  const [npmStart] = shellCommands("README.md");
  expect(npmStart?.command).toBe("npm start");
  started = startGuarded({
    file: npmProgram(),
    args: ["start"],
    cwd: clone,
    env: { ...shell, ...ports },
    onLine(line) {
      printed.push(line);
      if (line.startsWith(`Skipstone is running at ${url} `)) resolve();
    },
  });
  void started.exited.then(() => reject(new Error(`It ended:\n${printed.join("\n")}`)));
  await isUp;
}, 120_000);
afterAll(async () => {
  await started?.stop();
  rmSync(clone, { recursive: true });
});

function cloned(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "readme-"));
  const tracked = execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" }).split("\0");
  for (const file of tracked.filter((name) => name !== "" && existsSync(path.join(root, name)))) {
    cpSync(path.join(root, file), path.join(folder, file));
  }
  symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"));
  return folder;
}

/** npm is a program of Node, which the guard runs. */
function npmProgram(): string {
  return realpathSync(execFileSync("which", ["npm"], { encoding: "utf8" }).trim());
}

async function redis(...command: readonly string[]): Promise<unknown> {
  const headers = { authorization: `Bearer ${LOCAL_CREDENTIALS.redisToken}` };
  const answer = await fetch(`http://127.0.0.1:${ports["STACK_PORT"]}/redis`, {
    method: "POST",
    headers,
    body: JSON.stringify(command),
  });
  return ((await answer.json()) as { result: unknown }).result;
}

async function type(command: string, exported: Readonly<Record<string, string>> = {}): Promise<string> {
  const env = { ...shell, ...ports, ...exported };
  const here = command.replaceAll(documentedUrl, url);
  const { stdout } = await promisify(execFile)("sh", ["-c", here], { cwd: clone, env });
  return stdout;
}

async function expectAsPrinted({ command, prints = "" }: DocumentedCommand): Promise<void> {
  const text = await type(command);
  expect(isAsPrinted(text, prints), `${command}\n${text}\nis not\n${prints}`).toBe(true);
}

describe("npm start", () => {
  it("encrypts what it keeps by a random key of its own, which nobody else may read", async () => {
    await fetch(`${url}/api/sessions`, { method: "POST" });
    const [session] = (await redis("KEYS", "session:*")) as string[];
    expect(await redis("GET", session!)).toMatch(/^~1\.own\./);
    const file = path.join(clone, ".stack", "data", "encryption.key");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(printed.join("\n")).not.toContain(readFileSync(file, "utf8").trim());
  });

  it("says where it runs, and answers there", async () => {
    expect((await fetch(`${url}/health`)).status).toBe(200);
    expect((await fetch(url)).headers.get("content-type")).toContain("text/html");
    for (const page of ["docs", "openapi.json"]) expect((await fetch(`${url}/${page}`)).status).toBe(200);
    expect(existsSync(path.join(clone, "dist", "web", "index.html"))).toBe(true);
  });

  it("answers the README's requests as the README says", async () => {
    expect(curls("README.md")).toHaveLength(5);
    for (const documented of curls("README.md").slice(0, 3)) await expectAsPrinted(documented);
  });

  it("takes the run of the README's reader as soon as it is written, and carries it to its end", async () => {
    const [code] = codeBlocks("README.md", "ts");
    const [diff] = codeBlocks("README.md", "diff");
    const [start, follow] = curls("README.md").slice(3);
    writeFileSync(path.join(clone, "src/saga/greet.ts"), code!);
    const registry = path.join(clone, "src/wire/runs.ts");
    writeFileSync(registry, withLinesAdded(readFileSync(registry, "utf8"), diff!));
    await vi.waitFor(
      async () => {
        await expectAsPrinted(start!);
        expect(readFileSync(path.join(clone, "run.json"), "utf8")).toContain('"runId"');
      },
      { timeout: 60_000, interval: 500 },
    );
    await expectAsPrinted(follow!);
  });

  it("lets an operator sweep with the command of the troubleshooting guide", async () => {
    expect(curls("docs/troubleshooting.md")).toHaveLength(1);
    const operator = { APP_URL: url, INTERNAL_SYSTEM_KEY: LOCAL_INTERNAL_KEY };
    for (const { command } of curls("docs/troubleshooting.md"))
      expect(JSON.parse(await type(command, operator))).toMatchObject({ runs: { seen: expect.any(Number) } });
  });

  it("is examined and set up by the commands that the README has for it", async () => {
    expect(await type("npm run doctor")).toContain("✓ Everything is configured and ready.");
    const bindings = readVars(
      readFileSync(path.join(clone, ".stack", `app-${ports["APP_PORT"]}`, "bindings.env"), "utf8"),
    );
    expect(await type("npm run qstash:setup -- --yes", Object.fromEntries(bindings))).toContain(".dev.vars is written");
    expect(await type("npm run qstash:test")).toContain("✓ QSTASH_TOKEN: set (.dev.vars)");
  });
});

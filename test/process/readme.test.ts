/** The README followed word by word: what it starts comes up, what it asks is answered as it says. Troubleshooting, too. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LOCAL_INTERNAL_KEY } from "../../stack/app-bindings.ts";
import { freePort } from "../../stack/free-port.ts";
import { startGuarded, type GuardedProcess } from "../../stack/guarded-process.ts";
import { isAsPrinted, shellCommands } from "../support/documented-commands.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const documentedUrl = "http://127.0.0.1:8787";
const curls = (file: string) => shellCommands(file).filter(({ command }) => command.startsWith("curl "));

let folder: string;
let url: string;
let started: GuardedProcess | undefined;
const printed: string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "readme-"));
  const [appPort, stackPort] = [await freePort(0), await freePort(0)];
  url = `http://127.0.0.1:${appPort}`;
  const ports = { APP_PORT: String(appPort), STACK_PORT: String(stackPort), STACK_DATA: path.join(folder, "data") };
  const { promise: isUp, resolve, reject } = Promise.withResolvers<void>();
  // `npm start`, as package.json has it; the guard runs a program of Node, which npm is not.
  started = startGuarded({
    file: path.join(root, "scripts", "bootstrap.mjs"),
    args: ["start"],
    cwd: root,
    env: { ...process.env, ...ports },
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
  rmSync(folder, { recursive: true });
});

async function type(command: string): Promise<string> {
  const env = { ...process.env, APP_URL: url, INTERNAL_SYSTEM_KEY: LOCAL_INTERNAL_KEY };
  const here = command.replaceAll(documentedUrl, url);
  const { stdout } = await promisify(execFile)("sh", ["-c", here], { cwd: folder, env });
  return stdout;
}

describe("npm start", () => {
  it("says where it runs, and answers there", async () => {
    expect((await fetch(`${url}/health`)).status).toBe(200);
    expect((await fetch(url)).headers.get("content-type")).toContain("text/html");
    for (const page of ["docs", "openapi.json"]) expect((await fetch(`${url}/${page}`)).status).toBe(200);
  });

  it("answers the README's requests as the README says", async () => {
    expect(curls("README.md")).toHaveLength(3);
    for (const { command, prints = "" } of curls("README.md")) {
      const text = await type(command);
      expect(isAsPrinted(text, prints), `${command}\n${text}\nis not\n${prints}`).toBe(true);
    }
  });

  it("lets an operator sweep with the command of the troubleshooting guide", async () => {
    expect(curls("docs/troubleshooting.md")).toHaveLength(1);
    for (const { command } of curls("docs/troubleshooting.md"))
      expect(JSON.parse(await type(command))).toMatchObject({ runs: { seen: expect.any(Number) } });
  });
});

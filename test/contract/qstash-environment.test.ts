/** The SDK finds the stack by its environment alone, in a process of its own, as any program would. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";
import { startDestination } from "./qstash-rig.ts";

let stack: RunningStack;

beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

/** Publishes to `url` with a client that is given nothing, and prints whether a receiver like it accepts `signature`. */
const program = `
  import { Client, Receiver } from "@upstash/qstash";
  const [url, signature, body] = process.argv.slice(1);
  if (signature) console.log("verified", await new Receiver().verify({ signature, body, url }));
  else console.log(await new Client({ enableTelemetry: false }).publishJSON({ url, body: { from: "elsewhere" } }));
`;

async function run(env: Record<string, string>, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--input-type=module", "--eval", program, "--", ...args],
    { env: { PATH: process.env["PATH"] ?? "", ...env } },
  );
  return stdout;
}

describe("a program in another process", () => {
  it.each<[string, (running: RunningStack) => Record<string, string>]>([
    [
      "QSTASH_DEV, which recognises a server that is already running and starts none",
      ({ port }) => ({ QSTASH_DEV: "true", QSTASH_DEV_PORT: String(port), QSTASH_TOKEN: "ignored" }),
    ],
    [
      "QSTASH_URL, the token and the keys",
      ({ qstashUrl, qstashToken, currentSigningKey, nextSigningKey }) => ({
        QSTASH_URL: qstashUrl,
        QSTASH_TOKEN: qstashToken,
        QSTASH_CURRENT_SIGNING_KEY: currentSigningKey,
        QSTASH_NEXT_SIGNING_KEY: nextSigningKey,
      }),
    ],
  ])("publishes and verifies with %s", async (name, environment) => {
    const destination = await startDestination();
    const env = environment(stack);
    const published = await run(env, destination.url);
    expect(published).toContain("msg_");
    expect(published.includes("Server already running")).toBe(name.startsWith("QSTASH_DEV"));
    await stack.qstashIdle();
    const [delivery] = destination.deliveries;
    expect(delivery?.body).toBe('{"from":"elsewhere"}');
    const signature = String(delivery?.headers["upstash-signature"]);
    expect(await run(env, destination.url, signature, delivery?.body ?? "")).toContain("verified true");
  });
});

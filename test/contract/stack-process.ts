/** The real process of `stack/main.ts`, so that it can be killed. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { Client } from "@upstash/qstash";
import { onTestFinished } from "vitest";
import { LOCAL_CREDENTIALS } from "../../stack/credentials.ts";

export interface StackProcess {
  url: string;
  /** What it has printed so far, on both streams. */
  printed(): string;
  qstash: Client;
  /** One Redis command over REST. */
  redis(...command: unknown[]): Promise<unknown>;
  /** A route of `/_stack`, answered as JSON. */
  control(method: string, path: string, body?: object): Promise<unknown>;
  /** `kill -9`. Resolves when the process is gone. */
  kill(): Promise<void>;
  /** Ctrl-C. Answers the exit code. */
  interrupt(): Promise<number | null>;
}

/** Starts the stack on any free port. It is killed when the test is over. @throws Error with what it printed when it ends. */
export async function startProcess(...args: readonly string[]): Promise<StackProcess> {
  const child = spawn(process.execPath, ["stack/main.ts", "--port", "0", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, REDIS_URL: "", STACK_PORT: "" },
  });
  const exited = once(child, "exit") as Promise<[number | null]>;
  let text = "";
  const url = await new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        text += chunk.toString();
        const found = /running at (http:\S+)/.exec(text)?.[1];
        if (found !== undefined) resolve(found);
      });
    }
    child.once("close", () => reject(new Error(`the stack ended: ${text}`)));
  });

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    child.kill(signal);
    const [code] = await exited;
    return code;
  }
  onTestFinished(() => void child.kill("SIGKILL"));

  const { qstashToken, redisToken } = LOCAL_CREDENTIALS;
  return {
    url,
    printed: () => text,
    qstash: new Client({ baseUrl: url, token: qstashToken, enableTelemetry: false, devMode: false, retry: false }),
    async redis(...command) {
      const headers = { Authorization: `Bearer ${redisToken}` };
      const answer = await fetch(`${url}/redis`, { method: "POST", headers, body: JSON.stringify(command) });
      return ((await answer.json()) as { result?: unknown }).result;
    },
    async control(method, path, body) {
      const answer = await fetch(`${url}/_stack/${path}`, {
        method,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const answered = await answer.text();
      return answered === "" ? undefined : JSON.parse(answered);
    },
    kill: async () => void (await end("SIGKILL")),
    interrupt: () => end("SIGINT"),
  };
}

/** Stops the clock of a running stack, moves it, and waits until what became due has been tried. */
export async function advance(stack: StackProcess, ms: number): Promise<void> {
  await stack.control("POST", "clock", { action: "freeze" });
  await stack.control("POST", "clock", { action: "advance", ms });
}

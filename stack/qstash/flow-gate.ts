/**
 * Flow control: how many attempts of a key may be under way, and how many may start in a period. Source: protocol
 * document, B.8.
 *
 * Invariants:
 * 1. At most `parallelism` attempts of a key are under way; at most `rate` start in a period, which begins with its first start.
 * 2. Who waits starts in the order of arrival; a retry arrives anew.
 * 3. The latest message decides the limits, except those that are pinned.
 * 4. While a key is paused nothing of it starts.
 */
import type { StackClock } from "../clock.ts";
import { flowKeyCountMax } from "./limits.ts";
import type { FlowControl, Message } from "./message.ts";

/** The state of one key. A limit that is absent does not limit. Times are unix ms. */
export interface Flow {
  key: string;
  parallelism: number | undefined;
  rate: number | undefined;
  periodMs: number;
  isParallelismPinned: boolean;
  isRatePinned: boolean;
  isPaused: boolean;
  waiting: Message[];
  /** Ids of the messages whose attempt is under way. */
  active: Set<string>;
  periodStartMs: number;
  startedInPeriod: number;
}

export interface FlowGate {
  /** Takes over the limits of a message that has just been accepted. */
  configure(limits: FlowControl): void;
  /** True when an attempt may start now. False: the message waits, and `resume` is called when it may. */
  admit(message: Message): boolean;
  /** The attempt is over, or the message is gone. Idempotent. */
  leave(message: Message): void;
  get(key: string): Flow | undefined;
  list(): Flow[];
  /** Changes a key, made when it is missing, and starts what may start now. */
  change(key: string, change: Partial<Omit<Flow, "key" | "waiting" | "active">>): void;
}

/** `resume` gets each message that had to wait, once its attempt may start; it must not call back at once. */
export function createFlowGate(o: { clock: StackClock; resume: (message: Message) => void }): FlowGate {
  const flows = new Map<string, Flow>();
  const wakings = new Map<string, () => void>();

  function flowOf(key: string): Flow {
    const known = flows.get(key);
    if (known !== undefined) return known;
    forgetOneIdle();
    const flow = newFlow(key);
    flows.set(key, flow);
    return flow;
  }

  function forgetOneIdle(): void {
    if (flows.size < flowKeyCountMax) return;
    const idle = [...flows.values()].find((flow) => isForgettable(flow, o.clock.now()));
    if (idle !== undefined) flows.delete(idle.key);
  }

  function start(flow: Flow, message: Message): void {
    const nowMs = o.clock.now();
    if (isPeriodOver(flow, nowMs)) Object.assign(flow, { periodStartMs: nowMs, startedInPeriod: 0 });
    flow.startedInPeriod += 1;
    flow.active.add(message.messageId);
  }

  function recheck(flow: Flow): void {
    while (flow.waiting.length > 0 && isOpen(flow, o.clock.now())) {
      const next = flow.waiting.shift();
      if (next === undefined) break;
      start(flow, next);
      o.resume(next);
    }
    wakings.get(flow.key)?.();
    wakings.delete(flow.key);
    if (flow.waiting.length > 0 && isRateSpent(flow, o.clock.now())) wakeAtNextPeriod(flow);
  }

  function wakeAtNextPeriod(flow: Flow): void {
    wakings.set(
      flow.key,
      o.clock.schedule(flow.periodStartMs + flow.periodMs, () => recheck(flow)),
    );
  }

  return {
    configure(limits) {
      const flow = flowOf(limits.key);
      if (!flow.isParallelismPinned) flow.parallelism = limits.parallelism;
      if (!flow.isRatePinned) Object.assign(flow, { rate: limits.rate, periodMs: limits.periodSeconds * 1_000 });
      recheck(flow);
    },
    admit(message) {
      if (message.flowControl === undefined) return true;
      const flow = flowOf(message.flowControl.key);
      if (flow.active.has(message.messageId)) return true;
      if (flow.waiting.length > 0 || !isOpen(flow, o.clock.now())) {
        flow.waiting.push(message);
        recheck(flow);
        return false;
      }
      start(flow, message);
      return true;
    },
    leave(message) {
      const flow = flows.get(message.flowControl?.key ?? "");
      if (flow === undefined) return;
      flow.active.delete(message.messageId);
      flow.waiting = flow.waiting.filter((other) => other !== message);
      recheck(flow);
    },
    get: (key) => flows.get(key),
    list: () => [...flows.values()],
    change(key, change) {
      recheck(Object.assign(flowOf(key), change));
    },
  };
}

function newFlow(key: string): Flow {
  return {
    key,
    parallelism: undefined,
    rate: undefined,
    periodMs: 1_000,
    isParallelismPinned: false,
    isRatePinned: false,
    isPaused: false,
    waiting: [],
    active: new Set(),
    periodStartMs: 0,
    startedInPeriod: 0,
  };
}

function isOpen(flow: Flow, nowMs: number): boolean {
  const isFull = flow.parallelism !== undefined && flow.active.size >= flow.parallelism;
  return !flow.isPaused && !isFull && !isRateSpent(flow, nowMs);
}

function isRateSpent(flow: Flow, nowMs: number): boolean {
  return flow.rate !== undefined && !isPeriodOver(flow, nowMs) && flow.startedInPeriod >= flow.rate;
}

/** A period that lies in the future is over too: a clock that is released may jump backwards. */
function isPeriodOver(flow: Flow, nowMs: number): boolean {
  return nowMs < flow.periodStartMs || nowMs >= flow.periodStartMs + flow.periodMs;
}

/** A key that would be the same if it were made again. */
function isForgettable(flow: Flow, nowMs: number): boolean {
  const isSet = flow.isPaused || flow.isParallelismPinned || flow.isRatePinned;
  const isUsed = flow.waiting.length > 0 || flow.active.size > 0 || !isPeriodOver(flow, nowMs);
  return !isSet && !isUsed;
}

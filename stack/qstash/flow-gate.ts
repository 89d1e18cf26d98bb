/**
 * Flow control: how many attempts of a key may be under way, and how many may start in a period. Source: protocol
 * document, B.8.
 *
 * Invariants:
 * 1. At most `parallelism` attempts of a key are under way; at most `rate` start in a period, which begins with its first start.
 * 2. Who waits starts in the order of arrival; a retry arrives anew.
 * 3. The latest message decides the limits, except those that are pinned.
 * 4. While a key is paused nothing of it starts.
 * 5. Limits and periods are records and outlive the process. Who waits or was under way arrives anew.
 */
import type { StackClock } from "../clock.ts";
import type { Collection } from "../storage/collection.ts";
import { flowKeyCountMax } from "./limits.ts";
import type { FlowControl, Message } from "./message.ts";
import { createWaitingLine, type WaitingLine } from "./waiting-line.ts";

/** What is kept of one key. A limit that is absent does not limit. Times are unix ms. */
export interface FlowLimits {
  key: string;
  parallelism: number | undefined;
  rate: number | undefined;
  periodMs: number;
  isParallelismPinned: boolean;
  isRatePinned: boolean;
  isPaused: boolean;
  periodStartMs: number;
  startedInPeriod: number;
}

export interface Flow {
  limits: FlowLimits;
  waiting: WaitingLine<Message>;
  /** Ids of the messages whose attempt is under way. */
  active: Set<string>;
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
  change(key: string, change: Partial<Omit<FlowLimits, "key">>): void;
}

/** `resume` gets each message that had to wait, once its attempt may start; it must not call back at once. */
export function createFlowGate(o: {
  clock: StackClock;
  limits: Collection<FlowLimits>;
  resume: (message: Message) => void;
}): FlowGate {
  const flows = new Map(o.limits.values().map((limits) => [limits.key, newFlow(limits)]));
  const wakings = new Map<string, () => void>();

  function flowOf(key: string): Flow {
    const known = flows.get(key);
    if (known !== undefined) return known;
    forgetOneIdle();
    const flow = newFlow(newLimits(key));
    flows.set(key, flow);
    o.limits.put(key, flow.limits);
    return flow;
  }

  function forgetOneIdle(): void {
    if (flows.size < flowKeyCountMax) return;
    const idle = [...flows.values()].find((flow) => isForgettable(flow, o.clock.now()));
    if (idle === undefined) return;
    flows.delete(idle.limits.key);
    o.limits.remove(idle.limits.key);
  }

  function alter(flow: Flow, change: Partial<FlowLimits>): void {
    o.limits.put(flow.limits.key, Object.assign(flow.limits, change));
  }

  function start(flow: Flow, message: Message): void {
    const nowMs = o.clock.now();
    const begun = isPeriodOver(flow.limits, nowMs) ? { periodStartMs: nowMs, startedInPeriod: 0 } : flow.limits;
    alter(flow, { periodStartMs: begun.periodStartMs, startedInPeriod: begun.startedInPeriod + 1 });
    flow.active.add(message.messageId);
  }

  function recheck(flow: Flow): void {
    while (flow.waiting.size() > 0 && isOpen(flow, o.clock.now())) {
      const next = flow.waiting.shift();
      if (next === undefined) break;
      start(flow, next);
      o.resume(next);
    }
    wakings.get(flow.limits.key)?.();
    wakings.delete(flow.limits.key);
    if (flow.waiting.size() > 0 && isRateSpent(flow.limits, o.clock.now())) wakeAtNextPeriod(flow);
  }

  function wakeAtNextPeriod(flow: Flow): void {
    const { key, periodStartMs, periodMs } = flow.limits;
    wakings.set(
      key,
      o.clock.schedule(periodStartMs + periodMs, () => recheck(flow)),
    );
  }

  return {
    configure(wanted) {
      const flow = flowOf(wanted.key);
      alter(flow, {
        ...(!flow.limits.isParallelismPinned && { parallelism: wanted.parallelism }),
        ...(!flow.limits.isRatePinned && { rate: wanted.rate, periodMs: wanted.periodSeconds * 1_000 }),
      });
      recheck(flow);
    },
    admit(message) {
      if (message.flowControl === undefined) return true;
      const flow = flowOf(message.flowControl.key);
      if (flow.active.has(message.messageId)) return true;
      if (flow.waiting.size() > 0 || !isOpen(flow, o.clock.now())) {
        flow.waiting.push(message.messageId, message);
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
      flow.waiting.remove(message.messageId);
      recheck(flow);
    },
    get: (key) => flows.get(key),
    list: () => [...flows.values()],
    change(key, change) {
      const flow = flowOf(key);
      alter(flow, change);
      recheck(flow);
    },
  };
}

function newFlow(limits: FlowLimits): Flow {
  return { limits, waiting: createWaitingLine(), active: new Set() };
}

function newLimits(key: string): FlowLimits {
  return {
    key,
    parallelism: undefined,
    rate: undefined,
    periodMs: 1_000,
    isParallelismPinned: false,
    isRatePinned: false,
    isPaused: false,
    periodStartMs: 0,
    startedInPeriod: 0,
  };
}

function isOpen({ limits, active }: Flow, nowMs: number): boolean {
  const isFull = limits.parallelism !== undefined && active.size >= limits.parallelism;
  return !limits.isPaused && !isFull && !isRateSpent(limits, nowMs);
}

function isRateSpent(limits: FlowLimits, nowMs: number): boolean {
  return limits.rate !== undefined && !isPeriodOver(limits, nowMs) && limits.startedInPeriod >= limits.rate;
}

/** A period that lies in the future is over too: a clock that is released may jump backwards. */
function isPeriodOver({ periodStartMs, periodMs }: FlowLimits, nowMs: number): boolean {
  return nowMs < periodStartMs || nowMs >= periodStartMs + periodMs;
}

/** A key that would be the same if it were made again. */
function isForgettable({ limits, waiting, active }: Flow, nowMs: number): boolean {
  const isSet = limits.isPaused || limits.isParallelismPinned || limits.isRatePinned;
  const isUsed = waiting.size() > 0 || active.size > 0 || !isPeriodOver(limits, nowMs);
  return !isSet && !isUsed;
}

/** Queued tools in bad weather: orders that come twice, deliveries that come late, twice or never, and services that are down. */
import * as z from "zod/mini";
import { createRunRegistry } from "../../src/engine/run-definition.ts";
import { deliverTool, type DeliverToolParts } from "../../src/tool/deliver-tool.ts";
import type { Executions } from "../../src/tool/execution.ts";
import { queueTool, type QueueOutcome } from "../../src/tool/queue-tool.ts";
import { createToolRegistry } from "../../src/tool/registry.ts";
import { fullGrant } from "../../src/tool/tool-grant.ts";
import type { ToolOrder } from "../../src/tool/tool-queue.ts";
import type { ToolContext, ToolEffect, ToolResult } from "../../src/tool/tool.ts";
import { toolMessageId } from "../../src/tool/tool-queue.ts";
import { silentLog } from "../fakes/clock.ts";
import { memoryExecutions } from "../fakes/memory-executions.ts";
import { memoryToolGuard } from "../fakes/memory-tool-guard.ts";
import { memoryToolLedger } from "../fakes/memory-tool-ledger.ts";
import { seededWorld } from "./chance.ts";
import { byChance } from "./director.ts";
import { bytesOf } from "./engine-in.ts";
import { pauseIn } from "./pause-in.ts";
import { breakdownOf } from "./run-watched.ts";
import { memoryStorage } from "./storage.ts";
import type { Arrival, Isolate } from "./things.ts";
import type { PlannedOrder, PlannedRequest, QueuedToolName, ToolCase } from "./tool-case.ts";
import { createToolService, simulatedTools, watchLedger } from "./tool-service.ts";
import { createToolWatch, userId } from "./tool-watch.ts";
import { calm } from "./weather.ts";
import { createWorld, type World } from "./world.ts";
import { wrap } from "./wrap.ts";

export interface SimulatedTools {
  readonly trace: readonly string[];
  readonly violations: readonly string[];
  readonly statuses: readonly string[];
  readonly effects: number;
}

interface ToolServices {
  act(context: ToolContext, input: ToolInput): Promise<ToolResult>;
}

const ToolInput = z.object({ order: z.string(), input: z.number() });
type ToolInput = z.infer<typeof ToolInput>;

const effects: Record<QueuedToolName, ToolEffect> = { look: "read", act: "write" };

const registry = createToolRegistry<ToolServices>(
  simulatedTools<ToolInput, ToolServices>(effects, ToolInput, (context, input) => context.services.act(context, input)),
);

/** Source: QStash, deduplication: a message of an id is taken once in ten minutes. */
const deduplicationMs = 10 * 60_000;
/** Long enough for every client to hear something in the end, as long as the weather leaves some calls alone. */
const requestAttemptsMax = 40;

export async function simulateTools({ seed, weather, orders }: ToolCase): Promise<SimulatedTools> {
  const chance = seededWorld(seed + 0x700151);
  const clock = { now: () => world.now() };
  const executions = memoryExecutions(clock);
  const guard = memoryToolGuard(clock);
  const taken = new Map<string, { readonly id: string; readonly atMs: number }>();
  const dead: ToolOrder[] = [];
  const service = createToolService(() => world);
  const violations: string[] = [];
  const ledger = watchLedger(
    () => world,
    memoryToolLedger(clock),
    (violation) => violations.push(violation),
  );
  const watch = createToolWatch({ executions, ledger, isCalm: weather === calm, violations });
  let drawn = 0;
  const random = { uuid: () => `id-${(drawn += 1)}`, bytes: (length: number) => bytesOf(length, (drawn += 1), 0) };

  const world: World<undefined> = createWorld<undefined>({
    director: byChance(chance, weather),
    storage: memoryStorage().storage,
    nextDueMs: () => Infinity,
    registry: createRunRegistry([]),
    services: () => undefined,
  });

  function act(isolate: Isolate, executionId: string, { idempotencyKey: key }: ToolContext, input: ToolInput) {
    const planned = orders.find(({ id }) => id === input.order)!;
    const label = `${planned.tool} of ${executionId}`;
    const onAct = (): void => {
      if (planned.tool === "act") watch.onAct(executionId, key, JSON.stringify(input));
    };
    return service.answer(isolate, { asked: executionId, key, label, planned, onAct });
  }

  function executionsIn(isolate: Isolate): Executions {
    return wrap(executions, ["open", "begin", "end", "bury", "read"], (name, effect, args) => {
      const [{ executionId }] = args as [{ executionId: string }];
      return world.call(isolate, `${name} ${executionId}`, async () => {
        const answer = await effect();
        await watch.onContact(name, executionId, args, answer);
        return answer;
      });
    });
  }

  function partsIn(isolate: Isolate, executionId: string): DeliverToolParts<ToolServices> {
    return {
      registry,
      executions: executionsIn(isolate),
      tools: {
        services: { act: (context, input) => act(isolate, executionId, context, input) },
        ledger: ledger.ledgerFor(isolate, executionId),
        guard,
        clock,
        random,
        pause: (ms, signal) => pauseIn(world, isolate, ms, signal),
        log: silentLog,
      },
    };
  }

  /** A message is on its way, unless one of that id is known. */
  function post(order: ToolOrder, deduplicationId: string | undefined): { messageId: string } {
    const before = deduplicationId === undefined ? undefined : taken.get(deduplicationId);
    if (before !== undefined && world.now() - before.atMs < deduplicationMs) return { messageId: before.id };
    if (deduplicationId !== undefined) taken.set(deduplicationId, { id: order.executionId, atMs: world.now() });
    const { executionId } = order;
    watch.onSent(order);
    world.send(
      `delivery of ${executionId}`,
      async (_engine, delivery, isolate): Promise<Arrival> => {
        const signal = new AbortController().signal;
        const request = { order, delivery, isRetried: true, signal };
        const outcome = await deliverTool(partsIn(isolate, executionId), request);
        watch.onAnswer(order, outcome);
        const arrival = { outcome: outcome.kind, isRefused: outcome.kind === "failed" };
        return outcome.kind === "retrying" ? { ...arrival, againAfterMs: toolBackoffMs(delivery.retried) } : arrival;
      },
      order.notBeforeMs,
      { retries: order.retries, backoffMs: toolBackoffMs, onDead: ({ id }) => die(order, id) },
    );
    return { messageId: order.executionId };
  }

  function die(order: ToolOrder, messageId: string): void {
    dead.push(order);
    const { executionId } = order;
    const death = { status: 503, cause: "given up", messageId, deadLetterId: messageId };
    world.send(
      `failure of ${executionId}`,
      async (_engine, _delivery, isolate) => {
        await executionsIn(isolate).bury({ userId, executionId }, { ...death, atMs: world.now() });
        return { outcome: "noted" };
      },
      world.now(),
      { retries: 3, backoffMs: toolBackoffMs, onDead: () => watch.onUnheardDeath(executionId) },
    );
  }

  /** The client repeats what it got no answer to; where its order has no name it cannot. */
  async function insist(planned: PlannedOrder, { input, delaySeconds }: PlannedRequest): Promise<void> {
    const parameters = { order: planned.id, input };
    const deduplicationId = planned.isNamed ? planned.id : undefined;
    for (let attempt = 0; attempt < (planned.isNamed ? requestAttemptsMax : 1); attempt += 1) {
      try {
        const outcome: QueueOutcome = await world.invoke(`order of ${planned.id}`, (_engine, isolate) =>
          queueTool(
            {
              executions: executionsIn(isolate),
              queue: {
                enqueue: (order) =>
                  world.call(isolate, `schedule ${order.executionId}`, async () => post(order, toolMessageId(order))),
              },
              clock,
              random,
            },
            {
              userId,
              agentId: "agt_1",
              conversationId: undefined,
              scopes: fullGrant.scopes,
              tool: planned.tool,
              parameters,
              delaySeconds,
              retries: planned.retries,
              deduplicationId,
            },
          ),
        );
        return watch.onOrdered(planned, JSON.stringify(parameters), outcome);
      } catch {
        // Nobody knows whether it is queued.
      }
    }
  }

  for (const planned of orders) {
    for (const request of planned.requests) {
      world.at(world.now() + request.afterMs, `ask for ${planned.id}`, () => void insist(planned, request));
    }
    for (const afterMs of planned.revivals) {
      world.at(world.now() + afterMs, `look for ${planned.id} among the dead`, () => {
        const found = dead.findIndex(({ parameters }) => (parameters as ToolInput).order === planned.id);
        // As the queue does it: the same message, with another id and no deduplication.
        for (const order of found < 0 ? [] : dead.splice(found, 1)) post(order, undefined);
      });
    }
  }
  try {
    await world.run(() => !world.isAbout("order of") && !world.isAbout(" exe_"));
    await watch.atEnd();
  } catch (error) {
    violations.push(breakdownOf(error));
  }
  return {
    trace: world.trace,
    violations,
    statuses: await watch.statuses(),
    effects: world.effects.length,
  };
}

/** 5, 30, 180 s, …, as the queue of tools asks for it; no world needs to wait for more than a day. */
function toolBackoffMs(retried: number): number {
  return Math.min(5_000 * 6 ** retried, 86_400_000);
}

/** The service behind the tools of a simulated world, the tools themselves, and their ledger, whose calls are the world's. */
import type * as z from "zod/mini";
import { AppError } from "../../src/core/errors.ts";
import type { ToolLedger } from "../../src/tool/tool-ledger.ts";
import {
  defineTool,
  failed,
  ok,
  type AnyTool,
  type ToolContext,
  type ToolEffect,
  type ToolResult,
} from "../../src/tool/tool.ts";
import type { Isolate } from "./things.ts";
import type { World } from "./world.ts";
import { wrap } from "./wrap.ts";

/** What the service does about one call. */
export interface PlannedAnswer {
  /** How often it is down before it answers. */
  readonly outages: number;
  /** Its answer is no. */
  readonly isRefused: boolean;
}

export interface ToolService {
  /** @param asked what one call is about, however often it is made. @param key by which the service knows a call that comes again: it answers as it did. */
  answer(
    isolate: Isolate,
    o: {
      readonly asked: string;
      readonly key: string;
      readonly label: string;
      readonly planned: PlannedAnswer;
      /** Told before it acts. */
      readonly onAct: () => void;
    },
  ): Promise<ToolResult>;
}

export function createToolService(world: () => World<any>): ToolService {
  const asks = new Map<string, number>();
  return {
    async answer(isolate, { asked, key, label, planned, onAct }) {
      const known = asks.get(asked) ?? 0;
      asks.set(asked, known + 1);
      if (known < planned.outages) throw new AppError("partner_unavailable", "the service is down");
      if (planned.isRefused) return failed("the service says no");
      onAct();
      try {
        await world().effect(isolate, { key, label, isFailing: false });
      } catch {
        throw new AppError("partner_unavailable", "the service does not answer");
      }
      return ok({ receipt: world().effects.find((effect) => effect.key === key)!.number });
    },
  };
}

/** A tool of each name and effect, described by its name. */
export function simulatedTools<Input, Services>(
  effects: Readonly<Record<string, ToolEffect>>,
  input: z.ZodMiniType<Input>,
  execute: (context: ToolContext<Services>, input: Input) => Promise<ToolResult>,
  undo: (name: string) => ((context: ToolContext<Services>, input: Input) => Promise<void>) | undefined = () =>
    undefined,
): AnyTool<Services>[] {
  return Object.entries(effects).map(([name, effect]) => {
    const undoing = undo(name);
    const contract = { name, description: name, input, effect, timeoutMs: 10_000, execute };
    return defineTool<Input, Services>({ ...contract, ...(undoing === undefined ? {} : { undo: undoing }) });
  });
}

/** The first answers that a ledger was given, and whose answers were on their way there. */
export interface LedgerWatch {
  ledgerFor(isolate: Isolate, subject: string): ToolLedger;
  isSettled(key: string): boolean;
  /** Whether an answer for the subject was on its way, whatever became of it. */
  wasSettling(subject: string): boolean;
}

/** @param onBroken is told in words, beginning with the invariant. */
export function watchLedger(
  world: () => World<any>,
  ledger: ToolLedger,
  onBroken: (violation: string) => void,
): LedgerWatch {
  const settled = new Map<string, string>();
  const settling = new Set<string>();

  function noteAnswer(key: string, answer: ToolResult): void {
    const text = JSON.stringify(answer);
    const first = settled.get(key) ?? text;
    settled.set(key, first);
    if (first !== text) onBroken(`L2: ${key} was answered ${first}, and is answered ${text}`);
  }

  return {
    isSettled: (key) => settled.has(key),
    wasSettling: (subject) => settling.has(subject),
    ledgerFor: (isolate, subject) =>
      wrap(ledger, ["claim", "settle", "release"], (name, effect, args) => {
        if (name === "settle") settling.add(subject);
        return world().call(isolate, `ledger ${name} of ${subject}`, async () => {
          const answer = await effect();
          if (name === "settle") noteAnswer((args as [{ key: string }])[0].key, answer as ToolResult);
          return answer;
        });
      }),
  };
}

/** Tools that do what a test says, and count how often they act. */
import * as z from "zod/mini";
import { defineTool, ok, type AnyTool, type ToolContext } from "../../src/tool/tool.ts";
import type { TestApp } from "./test-app.ts";

/** What the tool does at its `call`-th act, which counts from 1. */
type Behaviour = (context: ToolContext, call: number) => unknown;

export interface ActingTools {
  /** Idempotency keys of the acts so far. */
  acts: string[];
  behave: Behaviour;
  /** Forgets the acts, and does nothing but to answer `done`. */
  reset(): void;
  make(name: string, contract?: Partial<Parameters<typeof defineTool>[0]>): AnyTool<unknown>;
}

export function actingTools(): ActingTools {
  const self: ActingTools = {
    acts: [],
    behave: () => "done",
    reset() {
      self.acts = [];
      self.behave = () => "done";
    },
    make: (name, contract = {}) =>
      defineTool({
        name,
        description: "A tool for tests.",
        input: z.object({ count: z.optional(z.number()) }),
        effect: "write",
        timeoutMs: 5_000,
        ...contract,
        async execute(context: ToolContext) {
          self.acts.push(context.idempotencyKey);
          const answer = await self.behave(context, self.acts.length);
          return typeof answer === "object" && answer !== null && "kind" in answer ? (answer as never) : ok(answer);
        },
      }),
  };
  return self;
}

/** Moves the stack's clock in steps, and lets the deliveries of each come to their end. */
export async function passTime(app: TestApp, ms: number, steps = 1): Promise<void> {
  await app.settled();
  for (let step = 0; step < steps; step += 1) {
    await app.stack.clock.advance(ms / steps);
    await app.settled();
  }
}

/** Every retry of a message and what follows it. */
export const passRetries = (app: TestApp): Promise<void> => passTime(app, 60 * 60_000, 20);

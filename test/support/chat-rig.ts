/** Chat turns over fakes: event list, model and clock in memory, moved by hand. */
import { startTurn, takeUpTurn, type ChatParts, type TurnRequest } from "../../src/agent/chat.ts";
import { AppError } from "../../src/core/errors.ts";
import { createMeter } from "../../src/core/meter.ts";
import { budgetProfiles } from "../../src/engine/budget.ts";
import { writerLimits } from "../../src/event/log-writer.ts";
import { foldMessages, type Message } from "../../src/memory/message.ts";
import { foldConversation } from "../../src/memory/summary.ts";
import { countingRandom, manualClock, settle, silentLog } from "../fakes/clock.ts";
import { memoryEventLog } from "../fakes/memory-event-log.ts";
import { callTool, end, scriptedModel, text, type ScriptStep } from "../fakes/scripted-model.ts";

export const ref = { userId: "usr_1", conversationId: "c" };

export function setUp(...scripts: ScriptStep[][]) {
  const clock = manualClock();
  const log = memoryEventLog(clock);
  const model = scriptedModel(...scripts);
  const runs: string[] = [];
  const continued: unknown[] = [];
  const parts: ChatParts = {
    profile: budgetProfiles.paid,
    meter: createMeter(),
    queue: {
      continueTurn: async (turn) => void continued.push(turn),
      async continueTurns(turns) {
        continued.push(...turns);
        return turns.map(() => undefined);
      },
    },
    log,
    model,
    clock,
    random: countingRandom(),
    logger: silentLog,
    pause: clock.pause,
    systemPrompt: "be brief",
    contextTokens: 32_000,
    tools: {
      definitions: () => [],
      run: async (call) => {
        runs.push(call.id);
        return call.name === "broken"
          ? { kind: "failed", errorText: "it broke" }
          : { kind: "ok", output: { value: 42 } };
      },
    },
  };
  const frames: string[] = [];
  const sink = { write: async (frame: string) => void frames.push(frame) };
  const stored = (): Message[] => foldMessages(log.messages(ref));
  const memory = () => foldConversation(log.messages(ref));
  const request = (id: string, question = "why?", isRegeneration = false): TurnRequest => ({
    ref,
    message: { id, text: question },
    isRegeneration,
    memory: memory(),
  });
  const chunks = (): { type: string }[] =>
    frames
      .join("")
      .split("\n\n")
      .filter((line) => line.startsWith("data: {"))
      .map((line) => JSON.parse(line.slice("data: ".length)) as { type: string });
  return { clock, log, model, parts, continued, sink, frames, chunks, stored, memory, request, runs };
}

export async function finish(outcome: Awaited<ReturnType<typeof startTurn>>): Promise<void> {
  if (outcome.kind !== "opened") throw new Error(`expected an opened turn, got ${outcome.kind}`);
  await outcome.done;
}

export async function finishTaken(taken: Awaited<ReturnType<typeof takeUpTurn>>): Promise<void> {
  if (taken.kind !== "taken") throw new Error("expected to get the turn");
  await taken.done;
}

/** A producer whose first flush arrives (one tool's result and half an answer) and who can reach the log no more. */
export async function die(...scripts: ScriptStep[][]) {
  const never = new Promise<void>(() => undefined);
  const t = setUp([callTool("t1", "calculator", {}), end], [text("half"), never], ...scripts);
  const isCutOff = { value: false };
  const log = {
    ...t.log,
    flush: async (...call: Parameters<typeof t.log.flush>) => {
      if (isCutOff.value) throw new AppError("redis_unavailable", "cut off");
      return t.log.flush(...call);
    },
  };
  const started = await startTurn({ ...t.parts, log }, t.request("m1"), { write: async () => undefined });
  if (started.kind === "opened") started.done.catch(() => undefined);
  await settle();
  await t.clock.advance(1_000);
  isCutOff.value = true;
  await t.clock.advance(writerLimits.leaseMs + 1);
  return { ...t, isCutOff };
}

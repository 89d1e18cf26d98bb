/** What it takes to answer: the model and the tools. A chunk of its own, that the first turn or run of an isolate loads. */
import { chatPrompt, chatTools } from "../agent/chat-tools.ts";
import type { ChatParts, TurnQueue } from "../agent/chat.ts";
import type { Model } from "../agent/model-port.ts";
import { modelPrice } from "../config.ts";
import { limits } from "../core/limits.ts";
import { budgetProfiles } from "../engine/budget.ts";
import type { EventLog } from "../event/event-log.ts";
import { meteredModel } from "../model/metered-model.ts";
import { openAiModel } from "../model/openai-model.ts";
import type { ToolParts } from "../tool/call-context.ts";
import type { ToolRegistry } from "../tool/registry.ts";
import type { Adapters } from "./adapters.ts";
import { tokenBudgetOf } from "./token-budget.ts";
import { createTools, toolRegistry, type ToolServices } from "./tools.ts";

export interface Answering {
  readonly chat: ChatParts;
  readonly tools: ToolRegistry;
  readonly toolParts: ToolParts<ToolServices>;
}

export interface AnsweringParts {
  readonly adapters: Adapters;
  readonly turns: TurnQueue;
  readonly eventLog: EventLog;
  readonly toolServices: Pick<ToolServices, "facts" | "reminders">;
}

export function createAnswering({ adapters, turns, eventLog, toolServices }: AnsweringParts): Answering {
  const { config, clock, log } = adapters;
  const toolParts = createTools(adapters, toolServices);
  const chat = {
    ...adapters,
    log: eventLog,
    model: createModel(adapters),
    tools: chatTools(toolRegistry, toolParts),
    logger: log,
    systemPrompt: chatPrompt(clock.now()),
    contextTokens: config.model.contextTokens,
    queue: turns,
    tokenBudget: tokenBudgetOf(adapters),
    profile: budgetProfiles[config.workersPlan],
  };
  return { chat, tools: toolRegistry, toolParts };
}

function createModel({ config, fetch, meter, tally }: Adapters): Model {
  const model = openAiModel({
    baseUrl: config.model.baseUrl,
    apiKey: config.model.apiKey.reveal(),
    modelName: config.model.name,
    fetch,
    firstByteMsMax: limits.modelFirstByteMsMax,
    idleMsMax: limits.modelIdleMsMax,
  });
  return meteredModel({ model, meter, tally, priceOf: (name) => modelPrice(config, name) });
}

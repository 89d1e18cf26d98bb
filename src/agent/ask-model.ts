import type { Model, ModelRequest } from "./model-port.ts";
import { callModel, relayAnswer } from "./relay-answer.ts";
import type { ModelAnswer } from "./tool-loop.ts";
import { createPartsFold } from "./turn-state.ts";

/** The whole answer, for those who show nothing of it while it grows. @throws as `Model.stream` does. */
export function askModel(model: Model, request: ModelRequest): Promise<ModelAnswer> {
  return relayAnswer(callModel(model, request), createPartsFold(), () => Promise.resolve());
}

/** Puts the tool calls of one answer together from their deltas. */
import { AppError } from "../core/errors.ts";
import type { ModelToolCall } from "../agent/model-port.ts";
import type { ToolCallDelta } from "./completion-chunk.ts";
import { argumentCharsMax, toolCallsMax } from "./model-limits.ts";

interface OpenCall {
  readonly index: number | undefined;
  id: string;
  name: string;
  argumentsJson: string;
}

export interface ToolCallParts {
  readonly count: number;
  /** @throws model_garbled past the limits of calls and of arguments. */
  add(delta: ToolCallDelta): void;
  /**
   * The calls in the order of the answer. `isCut` says that the model ran into its limit: then a last call whose arguments
   * do not parse was never finished, and is left out. A call without an id gets one from `completionId` and its place.
   *
   * @throws model_garbled when a call has no name.
   */
  calls(completionId: string | undefined, isCut: boolean): ModelToolCall[];
}

export function createToolCallParts(): ToolCallParts {
  const open: OpenCall[] = [];

  function callOf(delta: ToolCallDelta): OpenCall {
    const found = delta.index === undefined ? open.at(-1) : open.findLast((call) => call.index === delta.index);
    // Some providers number every call 0 and tell them apart by id alone.
    const isOther = found !== undefined && delta.id !== "" && found.id !== "" && delta.id !== found.id;
    if (found !== undefined && !isOther) return found;
    if (open.length === toolCallsMax) {
      throw new AppError("model_garbled", `The model made more than ${toolCallsMax} tool calls.`);
    }
    const call = { index: delta.index, id: delta.id, name: "", argumentsJson: "" };
    open.push(call);
    return call;
  }

  return {
    get count() {
      return open.length;
    },
    add(delta) {
      const call = callOf(delta);
      if (call.id === "") call.id = delta.id;
      if (call.name === "") call.name = delta.name;
      if (call.argumentsJson.length + delta.argumentsPart.length > argumentCharsMax) {
        throw new AppError("model_garbled", `Tool arguments exceed ${argumentCharsMax} characters.`);
      }
      call.argumentsJson += delta.argumentsPart;
    },
    calls(completionId, isCut) {
      const whole = isCut && !isJson(open.at(-1)?.argumentsJson ?? "{}") ? open.slice(0, -1) : open;
      if (whole.some((call) => call.name === "")) {
        throw new AppError("model_garbled", "The model called a tool without saying which.");
      }
      return whole.map((call, place) => ({
        id: call.id === "" ? `${completionId ?? "call"}-${place}` : call.id,
        name: call.name,
        argumentsJson: call.argumentsJson === "" ? "{}" : call.argumentsJson,
      }));
    },
  };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

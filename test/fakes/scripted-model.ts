import type { Model, ModelPiece, ModelRequest } from "../../src/agent/model-port.ts";

/** One step of a scripted answer: a piece, a failure, or something to wait for. */
export type ScriptStep = ModelPiece | Error | Promise<unknown>;

export interface ScriptedModel extends Model {
  readonly requests: ModelRequest[];
}

/** Answers each call with the next script; waiting ends when the caller aborts. */
export function scriptedModel(...scripts: ScriptStep[][]): ScriptedModel {
  const requests: ModelRequest[] = [];
  return {
    requests,
    async *stream(request) {
      const script = scripts[requests.length];
      requests.push(request);
      if (script === undefined) throw new Error("the script has no further answer");
      for (const step of script) {
        request.signal.throwIfAborted();
        if (step instanceof Error) throw step;
        if (step instanceof Promise) await orAbort(step, request.signal);
        else yield step;
      }
    },
  };
}

export const text = (value: string): ModelPiece => ({ kind: "text", escaped: JSON.stringify(value).slice(1, -1) });
export const end: ModelPiece = { kind: "end", finishReason: "stop" };
export const callTool = (id: string, name: string, input: unknown): ModelPiece => ({
  kind: "tool-call",
  call: { id, name, argumentsJson: JSON.stringify(input) },
});

function orAbort(wait: Promise<unknown>, signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    wait.then(resolve, reject);
  });
}

import type { Model } from "../agent/model-port.ts";
import type { Meter } from "../core/meter.ts";
import { countTokens, type Tally } from "../core/tally.ts";

export interface MeteredModelOptions {
  readonly model: Model;
  readonly meter: Meter;
  /** Adds up what the isolate uses. */
  readonly tally: Tally;
  /** US dollars for a million tokens of a model; of the configured one without a name. */
  readonly priceOf: (modelName: string | undefined) => { readonly input: number; readonly output: number };
}

/** Counts what each answer cost by the provider's own word. A provider that tells no usage, and an answer that was cut, count for nothing. */
export function meteredModel({ model, meter, tally, priceOf }: MeteredModelOptions): Model {
  return {
    async *stream(request) {
      for await (const piece of model.stream(request)) {
        if (piece.kind === "end" && piece.usage !== undefined) {
          countTokens({ meter, tally }, piece.usage, priceOf(request.modelName));
        }
        yield piece;
      }
    },
  };
}

/** The Worker under measurement: `/<relay>?base=<url of the upstream>` answers with the stream of that relay. */
import { openAiModel } from "../../src/model/openai-model.ts";
import type { Model } from "../../src/agent/model-port.ts";
import { aiSdkStream } from "./ai-sdk.ts";
import { overByteController, overFrameStream, overPull, overTransform } from "./relays.ts";

declare const IdentityTransformStream: new () => {
  readable: ReadableStream<Uint8Array>;
  writable: WritableStream<Uint8Array>;
};

export default {
  async fetch(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const baseUrl = url.searchParams.get("base") ?? "";
    const relay = url.pathname.slice(1);
    if (relay === "ready") return new Response("ready");
    if (relay === "pass-through") return fetch(`${baseUrl}/chat/completions`, { method: "POST" });
    const body = bodyOf(relay, baseUrl);
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  },
};

function bodyOf(relay: string, baseUrl: string): ReadableStream<Uint8Array> {
  const model: Model = openAiModel({
    baseUrl,
    apiKey: "key",
    modelName: "bench",
    fetch: (input, init) => fetch(input, init),
    firstByteMsMax: 30_000,
    idleMsMax: 30_000,
  });
  switch (relay) {
    case "frame-stream":
      return overFrameStream(model);
    case "byte-controller":
      return overByteController(model);
    case "pull":
      return overPull(model);
    case "identity-transform":
      return overTransform(new IdentityTransformStream())(model);
    case "transform":
      return overTransform(new TransformStream<Uint8Array, Uint8Array>())(model);
    case "ai-sdk-parser":
      return aiSdkStream(baseUrl);
    default:
      throw new Error(`no relay ${relay}`);
  }
}

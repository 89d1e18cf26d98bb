import { DefaultChatTransport, type UIMessage, type UIMessageChunk } from "ai";
import { apiFetch } from "./api.ts";
import { ProblemError } from "./problem.ts";

/**
 * The AI SDK's own transport, with two differences. Only the last message is sent, for the server keeps the history.
 * And a body that ends before the turn does is an error: the SDK would take the half for the whole and say nothing.
 */
export class SkipstoneTransport extends DefaultChatTransport<UIMessage> {
  constructor() {
    super({
      api: "/api/chat",
      fetch: apiFetch,
      prepareSendMessagesRequest: ({ id, messages, trigger, messageId }) => ({
        body: { id, messages: messages.slice(-1), trigger, messageId },
      }),
    });
  }

  /** A conversation that the server does not know yet has nothing running, which is no error here. */
  override async reconnectToStream(
    options: Parameters<DefaultChatTransport<UIMessage>["reconnectToStream"]>[0],
  ): Promise<ReadableStream<UIMessageChunk> | null> {
    try {
      return await super.reconnectToStream(options);
    } catch (error) {
      if (error instanceof ProblemError && error.status === 404) return null;
      throw error;
    }
  }

  protected override processResponseStream(
    stream: ReadableStream<Uint8Array<ArrayBufferLike>>,
  ): ReadableStream<UIMessageChunk> {
    return super.processResponseStream(stream).pipeThrough(failOnEarlyEnd());
  }
}

function failOnEarlyEnd(): TransformStream<UIMessageChunk, UIMessageChunk> {
  let hasEnded = false;
  return new TransformStream({
    transform(chunk, controller) {
      hasEnded ||= chunk.type === "finish" || chunk.type === "abort" || chunk.type === "error";
      controller.enqueue(chunk);
    },
    flush(controller) {
      // The word "network" is what makes the SDK treat it as a disconnect that can be resumed.
      if (!hasEnded) controller.error(new TypeError("network: the answer broke off"));
    },
  });
}

import { DefaultChatTransport, type UIMessage, type UIMessageChunk } from "ai";
import { apiFetch } from "./api.ts";
import { ProblemError } from "./problem.ts";

/**
 * The AI SDK's own transport, with two differences. Only the last message is sent, for the server keeps the history.
 * And a body that ends before the turn does is an error: the SDK would take the half for the whole and say nothing.
 */
export class SkipstoneTransport extends DefaultChatTransport<UIMessage> {
  /** @param agentId who answers the next message; empty for a plain chat. */
  constructor(agentId: () => string) {
    super({
      api: "/api/chat",
      fetch: apiFetch,
      prepareSendMessagesRequest: ({ id, messages, trigger, messageId }) => ({
        body: {
          id,
          messages: messages.slice(-1),
          trigger,
          messageId,
          ...(agentId() === "" ? {} : { agentId: agentId() }),
        },
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

  protected override processResponseStream(stream: ReadableStream<Uint8Array>): ReadableStream<UIMessageChunk> {
    return super.processResponseStream(stream).pipeThrough(failWhenCut());
  }
}

// The word "network" is what makes the SDK treat an error as a disconnect that can be resumed.
const BROKE_OFF = "network: the answer broke off";

function failWhenCut(): TransformStream<UIMessageChunk, UIMessageChunk> {
  const listening = new AbortController();
  let hasEnded = false;
  return new TransformStream({
    start(controller) {
      // A stream that was stopped keeps this listener until then; failing it once more does nothing.
      // A dead connection may stay silent for minutes before the browser calls it broken; losing the network is certain.
      const fail = (): void => controller.error(new TypeError(BROKE_OFF));
      window.addEventListener("offline", fail, { once: true, signal: listening.signal });
    },
    transform(chunk, controller) {
      hasEnded ||= chunk.type === "finish" || chunk.type === "abort" || chunk.type === "error";
      controller.enqueue(chunk);
    },
    flush(controller) {
      listening.abort();
      if (!hasEnded) controller.error(new TypeError(BROKE_OFF));
    },
  });
}

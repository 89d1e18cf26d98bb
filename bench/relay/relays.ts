/** The ways to build the relay that are measured against each other. Each answers with a whole UI message stream. */
import type { Model } from "../../src/agent/model-port.ts";
import { createFrameStream } from "../../src/http/frame-stream.ts";

const utf8 = new TextEncoder();

interface Sink {
  write(frame: string): void | Promise<void>;
  end(): void | Promise<void>;
}

/** What the chat route does. */
export function overFrameStream(model: Model): ReadableStream<Uint8Array> {
  const frames = createFrameStream();
  void pump(model, frames);
  return frames.readable;
}

export function overByteController(model: Model): ReadableStream<Uint8Array> {
  return new ReadableStream({
    type: "bytes",
    start(controller) {
      void pump(model, {
        write: (frame) => controller.enqueue(utf8.encode(frame)),
        end: () => controller.close(),
      });
    },
  });
}

/** One frame for each pull; the model is read only as fast as the reader reads. */
export function overPull(model: Model): ReadableStream<Uint8Array> {
  const frames = framesOf(model);
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await frames.next();
      if (done) controller.close();
      else controller.enqueue(utf8.encode(value));
    },
  });
}

/** `IdentityTransformStream` in workerd, where each write waits for the reader. */
export function overTransform(stream: {
  readable: ReadableStream<Uint8Array>;
  writable: WritableStream<Uint8Array>;
}): (model: Model) => ReadableStream<Uint8Array> {
  return (model) => {
    const writer = stream.writable.getWriter();
    void pump(model, {
      write: (frame) => writer.write(utf8.encode(frame)),
      end: () => writer.close(),
    });
    return stream.readable;
  };
}

async function pump(model: Model, sink: Sink): Promise<void> {
  for await (const frame of framesOf(model)) await sink.write(frame);
  await sink.end();
}

async function* framesOf(model: Model): AsyncGenerator<string, void, undefined> {
  yield 'data: {"type":"start"}\n\ndata: {"type":"text-start","id":"t"}\n\n';
  const signal = new AbortController().signal;
  for await (const piece of model.stream({ messages: [], tools: [], signal })) {
    if (piece.kind === "text") {
      yield `data: {"type":"text-delta","id":"t","delta":"${piece.escaped}"}\n\n`;
    }
  }
  yield 'data: {"type":"text-end","id":"t"}\n\ndata: {"type":"finish"}\n\ndata: [DONE]\n\n';
}

import { describe, expect, test } from "vitest";
import { bufferedBytesMax, createFrameStream } from "../../src/http/frame-stream.ts";

describe("a frame stream", () => {
  test("delivers its frames in order and then ends", async () => {
    const frames = createFrameStream();
    const text = new Response(frames.readable).text();
    await frames.write("data: ä\n\n");
    await frames.write("data: 😀\n\n");
    frames.end();
    expect(await text).toBe("data: ä\n\ndata: 😀\n\n");
    expect(frames.isClosed()).toBe(true);
  });

  test("is closed by a reader that leaves, and takes frames without a throw", async () => {
    const frames = createFrameStream();
    const reader = frames.readable.getReader();
    await frames.write("a");
    await reader.cancel();
    expect(frames.isClosed()).toBe(true);
    await expect(frames.write("b")).resolves.toBeUndefined();
    frames.end();
    frames.fail(new Error("too late"));
  });

  test("gives its failure to the reader and nothing after it", async () => {
    const frames = createFrameStream();
    const failure = new Error("cut");
    const read = frames.readable.getReader().read();
    frames.fail(failure);
    await expect(read).rejects.toBe(failure);
    await expect(frames.write("late")).resolves.toBeUndefined();
  });

  test("never waits for a reader, and cuts one that falls too far behind with an error", async () => {
    const frames = createFrameStream();
    const half = "x".repeat(bufferedBytesMax / 2);
    await frames.write(half);
    await frames.write(half);
    expect(frames.isClosed()).toBe(false);
    await frames.write("x");
    expect(frames.isClosed()).toBe(true);
    await expect(frames.readable.getReader().read()).rejects.toThrow("too far behind");
  });

  test("gives the room back as the reader reads", async () => {
    const frames = createFrameStream();
    const half = "x".repeat(bufferedBytesMax / 2);
    const reader = frames.readable.getReader();
    for (let round = 0; round < 4; round += 1) {
      await frames.write(half);
      await reader.read();
    }
    expect(frames.isClosed()).toBe(false);
  });
});

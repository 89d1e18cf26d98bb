import { Client } from "@upstash/qstash";
import { describe, expect, it, onTestFinished } from "vitest";
import { FolderInUseError } from "../../stack/folder-in-use.ts";
import { startStack, type RunningStack, type StartStackOptions } from "../../stack/start-stack.ts";
import { newFolder } from "./qstash-lives.ts";
import { startDestination } from "./qstash-rig.ts";

async function start(o: StartStackOptions): Promise<{ stack: RunningStack; client: Client }> {
  const stack = await startStack(o);
  onTestFinished(() => stack.close());
  const { qstashUrl: baseUrl, qstashToken: token } = stack;
  return { stack, client: new Client({ baseUrl, token, enableTelemetry: false, devMode: false }) };
}

describe("a stack that keeps its state", () => {
  it("begins with what was left undone when it is told to, and with new messages at once", async () => {
    const persistDir = newFolder();
    const destination = await startDestination();
    const first = await start({ persistDir });
    first.stack.clock.freeze();
    await first.client.publish({ url: destination.url, body: "left", delay: 60 });
    const { messageId } = await first.client.publish({ url: destination.url, body: "cancelled", delay: 60 });
    await first.stack.close();
    const { stack, client } = await start({ persistDir, takesUpLater: true });
    stack.clock.freeze();
    await client.messages.cancel(messageId);
    await client.publish({ url: destination.url, body: "new" });
    await stack.clock.advance(60_000);
    await stack.qstashIdle();
    expect(destination.deliveries.map(({ body }) => body)).toEqual(["new"]);
    stack.takeUp();
    stack.takeUp();
    await stack.qstashIdle();
    expect(destination.deliveries.map(({ body }) => body)).toEqual(["new", "left"]);
  });

  it("frees its port when another stack has its folder", async () => {
    const persistDir = newFolder();
    const { stack } = await start({ persistDir });
    await expect(startStack({ persistDir })).rejects.toThrow(FolderInUseError);
    const { port } = stack;
    await stack.close();
    const again = await start({ persistDir, port });
    expect(again.stack.port).toBe(port);
  });
});

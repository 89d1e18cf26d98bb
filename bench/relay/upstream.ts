/** The model's side of the bench: an answer of 300 chunks as OpenAI sends it, in 300 writes or in one. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

export const chunkCount = 300;
/** Apart enough that each write arrives as a network chunk of its own. */
const writeGapMs = 2;

export async function startUpstream(): Promise<{ url: string; close(): void }> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { "content-type": "text/event-stream" });
    void answer(response, request.url?.startsWith("/separate/") ?? false);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(response: ServerResponse, isSeparate: boolean): Promise<void> {
  const events = Array.from({ length: chunkCount }, (_, index) => event(index));
  events.push(`data: ${envelope("{}", '"stop"')}\n\n`, "data: [DONE]\n\n");
  if (!isSeparate) {
    response.end(events.join(""));
    return;
  }
  response.socket?.setNoDelay(true);
  for (const text of events) {
    response.write(text);
    await wait(writeGapMs);
  }
  response.end();
}

function event(index: number): string {
  return `data: ${envelope(`{"content":"${index % 7 === 0 ? "word\\n" : ` word${index}`}"}`, "null")}\n\n`;
}

function envelope(delta: string, finishReason: string): string {
  return `{"id":"chatcmpl-BzQ1x0s8kEXAMPLE","object":"chat.completion.chunk","created":1763800000,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_0000000000","choices":[{"index":0,"delta":${delta},"logprobs":null,"finish_reason":${finishReason}}]}`;
}

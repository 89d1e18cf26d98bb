/** The Worker. A new isolate parses what a chat needs; the other routes and the sweep are chunks that the first of them loads. */
import { createEdgeApp, isEdgePath } from "./edge-app.ts";
import type { createApp } from "./app.ts";
import { createWire } from "./wire.ts";

const edge = createEdgeApp(createWire);
let whole: ReturnType<typeof createApp> | undefined;

async function appFor(request: Request): Promise<typeof edge> {
  if (isEdgePath(new URL(request.url).pathname)) return edge;
  if (whole === undefined) {
    const app = await import("./app.ts");
    whole ??= app.createApp(createWire);
  }
  return whole;
}

// oxlint-disable-next-line import/no-default-export -- a Worker's entry is its default export
export default {
  async fetch(request, env, execution) {
    return (await appFor(request)).fetch(request, env, execution);
  },
  async scheduled(event, env, execution) {
    const { createSweep } = await import("./scheduled.ts");
    await createSweep(createWire)(event, env, execution);
  },
} satisfies ExportedHandler<Env>;

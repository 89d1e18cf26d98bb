/** All that run steps, over one stage where they can. */
import { join } from "node:path";
import { startProgram } from "../program.ts";
import type { Contender } from "./contender.ts";
import { installPeers } from "./peers.ts";
import { startRestate } from "./restate.ts";
import { untilCompleted } from "./run-end.ts";
import type { Stage } from "./stage.ts";
import { openUpstashWorkflow } from "./upstash-workflow.ts";

export interface Contenders {
  readonly list: readonly Contender[];
  close(): Promise<void>;
}

export const floorName = "bare floor, in workerd";
export const quietName = "skipstone, quiet";
const inMemory = "the stack's Valkey: in memory here, replicated and on disk at Upstash";

export async function openContenders(stage: Stage): Promise<Contenders> {
  const { skipstone, workerUrl } = stage;
  const redis = [stage.setting("UPSTASH_REDIS_REST_URL"), stage.setting("UPSTASH_REDIS_REST_TOKEN")];
  const cpuMs = async (): Promise<number> => (await stage.workerCpuMs()) + (await stage.stackCpuMs());
  const node = await startProgram([join(import.meta.dirname, "floor-server.ts"), ...redis], /at (\S+)\n/);
  const restate = installPeers() ? await startRestate() : undefined;
  const workflow = await openUpstashWorkflow({
    workerUrl,
    qstashUrl: stage.setting("QSTASH_URL"),
    qstashToken: stage.setting("QSTASH_TOKEN"),
    cpuMs,
  });
  const ours = (name: string, definition: string): Contender => ({
    name,
    durability: inMemory,
    cpuMs,
    async run(steps) {
      await untilCompleted(stage, await skipstone.start(definition, steps));
    },
  });
  const list = [
    ours(quietName, "count-quietly"),
    ours("skipstone, with events", "count"),
    floor(floorName, `${workerUrl}/floor`, cpuMs),
    floor("bare floor, in Node", node.match[1] ?? "", async () => (await node.cpuMs()) + (await stage.stackCpuMs())),
    restate,
    workflow,
  ];
  return {
    list: list.filter((contender) => contender !== undefined),
    async close() {
      await restate?.close();
      await node.close();
    },
  };
}

function floor(name: string, url: string, cpuMs: () => Promise<number>): Contender {
  return {
    name,
    durability: inMemory,
    cpuMs,
    async run(steps) {
      const response = await fetch(`${url}?steps=${steps}`, { method: "POST" });
      const answer = await response.text();
      if (answer !== String(steps)) throw new Error(`${name} answered ${response.status} ${answer}`);
    },
  };
}

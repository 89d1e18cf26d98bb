import * as z from "zod/mini";
import { limits } from "../core/limits.ts";
import { defineTool, ok } from "./tool.ts";

/** Lets a little time pass, for what needs it. What has to wait longer is a reminder, or a queued call with a delay. */
export const wait = defineTool({
  name: "wait",
  description: `Waits for some seconds, at most ${limits.toolWaitSecondsMax}, then answers. Use it when something needs a moment before it is looked at again.`,
  input: z.object({ seconds: z.int().check(z.gte(1), z.lte(limits.toolWaitSecondsMax)) }),
  effect: "read",
  timeoutMs: (limits.toolWaitSecondsMax + 1) * 1000,
  concurrency: 2,
  async execute({ pause, signal }, { seconds }) {
    await pause(seconds * 1000, signal);
    return ok({ waitedSeconds: seconds });
  },
});

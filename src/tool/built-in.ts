import { calculator } from "./calculator.ts";
import { currentTime } from "./current-time.ts";
import { recall, remember, type FactServices } from "./facts.ts";
import { httpFetch, type EgressServices } from "./http-fetch.ts";
import { reminder, type ReminderServices } from "./reminder.ts";
import type { AnyTool } from "./tool.ts";
import { wait } from "./wait.ts";

/** What the built-in tools are given. */
export type BuiltInServices = FactServices & EgressServices & ReminderServices;

/** The tools that every chat has. */
export const builtInTools: readonly AnyTool<BuiltInServices>[] = [
  calculator,
  currentTime,
  remember,
  recall,
  httpFetch,
  reminder,
  wait,
];

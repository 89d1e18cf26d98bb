import { calculator } from "./calculator.ts";
import { currentTime } from "./current-time.ts";
import { recall, remember } from "./facts.ts";

/** The tools that every chat has. */
export const builtInTools = [calculator, currentTime, remember, recall] as const;

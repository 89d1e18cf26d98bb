import * as z from "zod/mini";
import { json, room } from "./describe.ts";
import { named } from "./schemas.ts";

const Tool = named(
  "Tool",
  z.strictObject({
    name: z.string(),
    description: z.string(),
    /** JSON Schema. */
    inputSchema: z.record(z.string(), z.unknown()),
    effect: z.enum(["read", "write", "money"]),
  }),
);

export const toolApi = room("Tools", "What models may call.", {
  "GET /api/tools": {
    summary: "List the tools",
    access: "anyone",
    answers: { 200: json("All tools.", z.strictObject({ tools: z.array(Tool) })) },
    problems: ["misconfigured"],
  },
});

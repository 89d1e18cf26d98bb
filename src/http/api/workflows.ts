import * as z from "zod/mini";
import { json, room } from "./describe.ts";

const Answer = z.looseObject({});

export const workflowApi = room("Workflows", "Where Upstash Workflow delivers.", {
  "POST /api/workflows/agent": {
    summary: "Run the next step of an agent's run",
    detail: "Speaks the protocol of Upstash Workflow, whose SDK checks the signature; nobody else calls it.",
    access: "queue",
    answers: {
      200: json("The step is done.", Answer),
      400: json("No delivery of Upstash Workflow.", Answer),
      489: json("Never try this again.", Answer),
      500: json("The step failed; try again.", Answer),
    },
    problems: ["not_found"],
  },
});

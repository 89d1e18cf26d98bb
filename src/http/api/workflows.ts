import { room, text } from "./describe.ts";

export const workflowApi = room("Workflows", "Where Upstash Workflow delivers.", {
  "POST /api/workflows/agent": {
    summary: "Run the next step of an agent's run",
    detail: "Speaks the protocol of Upstash Workflow, whose SDK checks the signature; nobody else calls it.",
    access: "queue",
    answers: {
      200: text("The step is done."),
      400: text("No delivery of Upstash Workflow."),
      489: text("Never try this again."),
      500: text("The step failed; try again."),
    },
    problems: ["not_found"],
  },
});

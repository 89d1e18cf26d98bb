/** Workflows served through the Hono adapter, as a Worker of its own: what workerd runs in contract/workflow-workerd.test.ts. */
import type { WorkflowContext } from "@upstash/workflow";
import { createWorkflow, serveMany } from "@upstash/workflow/hono";
import { Hono } from "hono";

const child = createWorkflow(async (context: WorkflowContext<string>) =>
  context.run("answer", () => `${context.requestPayload}!`),
);

const parent = createWorkflow(
  async (context: WorkflowContext<{ url: string; isBroken: boolean }>) => {
    const { url, isBroken } = context.requestPayload;
    const [one, two] = await Promise.all([context.run("one", () => 1), context.run("two", () => 2)]);
    const { body: called } = await context.call<string>("call", { url, method: "POST", body: "question" });
    await context.sleep("sleep", "1h");
    const { eventData } = await context.waitForEvent("wait", "go", { timeout: "1h" });
    const { body: invoked } = await context.invoke("invoke", { workflow: child, body: "hello" });
    await context.run("end", () => {
      if (isBroken) throw new Error("broken");
    });
    return { sum: one + two, called, eventData, invoked };
  },
  { failureFunction: ({ failResponse }) => `told: ${failResponse}` },
);

const app = new Hono();
app.post("/workflows/*", serveMany({ parent, child }));

export default app;

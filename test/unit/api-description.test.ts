/** The description of the API and the app itself: neither has a route that the other has not. */
import { Validator } from "@seriousme/openapi-schema-validator";
import { hc } from "hono/client";
import { describe, expect, expectTypeOf, it } from "vitest";
import type * as z from "zod/mini";
import { describedRoutes, openApiDocument, openApiPath } from "../../scripts/openapi-document.ts";
import type { Agent } from "../../src/agent/run/agent.ts";
import { createApp } from "../../src/app.ts";
import type { RunReceipt, RunView } from "../../src/engine/run-view.ts";
import type { AppType } from "../../src/http/api/app-type.ts";
import type { Receipt, Run } from "../../src/http/api/runs.ts";
import type { Problem } from "../../src/http/api/schemas.ts";
import type { Problem as AnsweredProblem } from "../../src/http/problem.ts";
import type { Message } from "../../src/memory/message.ts";
import { routesOf } from "../support/route-table.ts";

const advice = "add the route to a file of src/http/api/, as its neighbours are described there";

function routesOfTheApp(): string[] {
  const app = createApp(() => {
    throw new Error("no request is made");
  });
  return routesOf(app).toSorted();
}

const described = describedRoutes.map(({ method, path }) => `${method} ${path}`);

describe("the description of the API", () => {
  it("has every route of the app's own route table", () => {
    expect(
      routesOfTheApp().filter((route) => !described.includes(route)),
      advice,
    ).toEqual([]);
  });

  it("has no route that the app does not have, and none twice", () => {
    const routes = routesOfTheApp();
    expect(described.filter((route) => !routes.includes(route))).toEqual([]);
    expect(described.toSorted()).toEqual([...new Set(described)].toSorted());
  });

  it("is a valid OpenAPI document", async () => {
    const { valid, errors } = await new Validator().validate(
      JSON.parse(JSON.stringify(openApiDocument())) as Record<string, unknown>,
    );
    expect(errors).toBeUndefined();
    expect(valid).toBe(true);
  });

  it("says of each operation who may call it, what it takes, what it answers and how it may fail", () => {
    const { paths = {} } = openApiDocument();
    const ids = new Set<string>();
    for (const { method, path } of describedRoutes) {
      const operation = paths[openApiPath(path)]?.[method.toLowerCase() as "get"];
      const where = `${method} ${path}`;
      expect(operation?.summary, where).toMatch(/^[A-Z].*[^.]$/);
      expect(operation?.security, where).toBeDefined();
      expect(Object.keys(operation?.responses ?? {}), where).toContain("500");
      expect(
        Object.keys(operation?.responses ?? {}).some((status) => status.startsWith("2")),
        where,
      ).toBe(true);
      const names = (operation?.parameters ?? []).flatMap((of) => ("in" in of && of.in === "path" ? [of.name] : []));
      expect(names, where).toEqual([...path.matchAll(/:(\w+)/g)].map((match) => match[1]));
      ids.add(operation?.operationId ?? "");
    }
    expect(ids.size).toBe(describedRoutes.length);
  });
});

describe("the typed client", () => {
  const client = hc<AppType>("http://app.test");
  type Answer<Call extends (...of: never[]) => Promise<unknown>> = Awaited<ReturnType<Call>>;
  type Good<Response> = Extract<Response, { ok: true }>;

  it("knows paths, parameters and bodies", () => {
    const { agents } = client.api;
    expect(agents[":agentId"].$path({ param: { agentId: "agt_1" } })).toBe("/api/agents/agt_1");
    expectTypeOf(agents.$post).parameter(0).toExtend<{ json: { name: string } }>();
    expectTypeOf(agents[":agentId"].$get).parameter(0).toEqualTypeOf<{ param: { agentId: string } }>();
    // @ts-expect-error -- an agent has a name
    expectTypeOf(agents.$post).toBeCallableWith({ json: {} });
    // @ts-expect-error -- there is no such route
    expectTypeOf(client.api.nothing).toBeObject();
  });

  it("knows what is answered, and what a refusal looks like", () => {
    type Runs = Awaited<ReturnType<Good<Answer<typeof client.api.runs.$get>>["json"]>>;
    expectTypeOf<Runs>().toEqualTypeOf<{ runs: z.output<typeof Run>[]; next?: string }>();
    type Refusal = Exclude<Answer<typeof client.api.runs.$get>, { ok: true }>;
    expectTypeOf<Awaited<ReturnType<Refusal["json"]>>>().toEqualTypeOf<z.output<typeof Problem>>();
    expectTypeOf<Good<Answer<(typeof client.api.sessions.current)["$delete"]>>["status"]>().toEqualTypeOf<204>();
  });

  it("says what the rooms say", () => {
    expectTypeOf<RunView>().toExtend<z.output<typeof Run>>();
    expectTypeOf<RunReceipt>().toExtend<z.output<typeof Receipt>>();
    expectTypeOf<keyof z.output<typeof Run>>().toEqualTypeOf<keyof RunView>();
    expectTypeOf<Pick<AnsweredProblem, "type" | "title" | "status" | "detail" | "requestId">>().toExtend<
      Pick<z.output<typeof Problem>, "type" | "title" | "status" | "detail" | "requestId">
    >();
    type Messages = Awaited<
      ReturnType<Good<Answer<(typeof client.api.conversations)[":conversationId"]["messages"]["$get"]>>["json"]>
    >;
    expectTypeOf<Messages>().toEqualTypeOf<{ messages: Message[]; next?: string }>();
    type OneAgent = Awaited<ReturnType<Good<Answer<(typeof client.api.agents)[":agentId"]["$get"]>>["json"]>>;
    expectTypeOf<Agent>().toExtend<OneAgent>();
  });
});

/**
 * Who gets through which route, and with what: a row for each route of the app. `unit/route-access.test.ts` fails for a route that stands in no row;
 * `ownership.test.ts` asks every route as everybody who must not get through, `costs.test.ts` and `outages.test.ts` as those who do (`ask-route.ts`), and
 * `malformed.test.ts` with what no route takes.
 *
 * A new route: add a row, and a row in `src/http/route-scope.ts` if its path begins as no other does. What stands in its path or
 * body and belongs to somebody is made by `plant` in `planted-things.ts`; the row says what a stranger is answered who asks for it.
 */
import type { Scope } from "../../src/session/scope.ts";

/** Ids of the owner and of what the owner has, by the names of path parameters where one is for them. */
export type Planted = Readonly<Record<string, string>>;

/** What the queue brings to a route of its own. */
export interface DeliveredRequest {
  readonly body: unknown;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export type RouteAccess =
  /** Needs nobody's name. */
  | { readonly by: "anybody" }
  /** Only with the internal key. */
  | { readonly by: "operator" }
  /** Only what the queue has signed. */
  | { readonly by: "queue"; readonly delivery: (planted: Planted) => DeliveredRequest }
  | ({
      readonly by: "identity";
      /** `undefined`: any identity will do. */
      readonly scope: Scope | undefined;
      /** What another user is answered who asks for the owner's things. */
      readonly stranger: number;
    } & OwnersRequest);

/** What the route accepts from the owner. */
interface OwnersRequest {
  /** What it names is the owner's. */
  readonly body?: (planted: Planted) => unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Names of planted things that stand in the path in place of those with the parameters' own names. */
  readonly at?: Readonly<Record<string, string>>;
  /** Whether a stranger is answered with an event stream, which does not end by itself. */
  readonly isStream?: boolean;
}

const anybody: RouteAccess = { by: "anybody" };

function identity(scope: Scope | undefined, stranger: number, more: OwnersRequest = {}): RouteAccess {
  return { by: "identity", scope, stranger, ...more };
}

function queue(delivery: (planted: Planted) => DeliveredRequest): RouteAccess {
  return { by: "queue", delivery };
}

const goal = "Say hello";
const plan = { summary: "greet", steps: [] };
const json = { accept: "application/json, text/event-stream" };
const parked = { at: { runId: "parkedRunId" } };

/** A run that has been told something and waits for nobody but the queue. */
const dueRun = ({ userId, dueRunId }: Planted): DeliveredRequest => ({
  body: { userId, runId: dueRunId, definition: "wait-for-go@1" },
});

export const routeAccess: Readonly<Record<string, RouteAccess>> = {
  "GET /health": anybody,
  "GET /ready": anybody,
  "GET /metrics": { by: "operator" },

  "POST /api/sessions": anybody,
  "GET /api/sessions": identity("account", 200),
  "DELETE /api/sessions": identity("account", 200),
  "DELETE /api/sessions/:sessionId": identity("account", 404),
  "GET /api/sessions/current": identity(undefined, 200),
  "DELETE /api/sessions/current": anybody,

  "GET /api/keys": identity("account", 200),
  "POST /api/keys": identity("account", 201, { body: () => ({ name: "Robot", scopes: ["chat"] }) }),
  "POST /api/keys/:keyId/rotate": identity("account", 404),
  "DELETE /api/keys/:keyId": identity("account", 404),
  // A ticket asks for the scope of its path, and lets in who asked for it: for them the conversation of this id is another.
  "POST /api/tickets": identity("chat", 201, {
    body: ({ conversationId }) => ({ path: `/api/chat/${conversationId}/stream` }),
  }),

  // A conversation id belongs to its user: the same id of somebody else is another conversation, which is empty.
  "POST /api/chat": identity("chat", 200, {
    body: ({ conversationId }) => ({
      id: conversationId,
      messages: [{ id: "m-of-a-stranger", role: "user", parts: [{ type: "text", text: "What did I tell you?" }] }],
    }),
  }),
  "GET /api/chat/:conversationId/stream": identity("chat", 204),
  "POST /api/chat/:conversationId/stop": identity("chat", 200),

  "GET /api/conversations": identity("chat", 200),
  "GET /api/conversations/:conversationId": identity("chat", 404),
  "PATCH /api/conversations/:conversationId": identity("chat", 404, { body: () => ({ title: "Taken over" }) }),
  "DELETE /api/conversations/:conversationId": identity("chat", 404),
  "GET /api/conversations/:conversationId/messages": identity("chat", 200),
  "GET /api/conversations/:conversationId/events": identity("chat", 200, { isStream: true }),

  "GET /api/tools": anybody,
  "POST /api/tools/:name/queue": identity("tools", 202, { body: () => ({ parameters: { expression: "1 + 1" } }) }),
  "POST /api/tools/:name": queue(({ userId, name, newExecutionId }) => ({
    body: {
      userId,
      executionId: newExecutionId,
      agentId: "chat",
      scopes: ["*"],
      tool: name,
      digest: "d",
      queuedAtMs: 1,
      notBeforeMs: 1,
      retries: 3,
      parameters: { expression: "1 + 1" },
    },
  })),
  "GET /api/tools/executions/:executionId": identity("tools", 404),

  "POST /api/mcp": identity("tools", 200, {
    body: () => ({ jsonrpc: "2.0", id: 1, method: "tools/list" }),
    headers: json,
  }),

  "POST /api/execute": identity("runs", 202, { body: () => ({ name: "wait-for-go", input: {} }) }),
  "GET /api/dead-letters": identity("runs", 200),
  "POST /api/dead-letters/redrive": identity("runs", 202, { body: () => ({ perMinute: 1 }) }),
  "GET /api/dead-letters/redrives/:runId": identity("runs", 404, { at: { runId: "redriveId" } }),
  "POST /api/dead-letters/:letterId/retry": identity("runs", 404),
  "DELETE /api/dead-letters/:letterId": identity("runs", 404),

  "GET /api/runs": identity("runs", 200),
  "GET /api/runs/:runId": identity("runs", 404),
  "GET /api/runs/:runId/journal": identity("runs", 404),
  "GET /api/runs/:runId/events": identity("runs", 404),
  "GET /api/runs/:runId/receipt": identity("runs", 404),
  "GET /api/runs/:runId/compensation": identity("runs", 404),
  "GET /api/runs/:runId/memory": identity("runs", 404),
  "GET /api/runs/:runId/file": identity("runs", 404),
  "POST /api/runs/:runId/cancel": identity("runs", 404),
  "POST /api/runs/:runId/pause": identity("runs", 404),
  "POST /api/runs/:runId/resume": identity("runs", 404, parked),
  "POST /api/runs/:runId/retry": identity("runs", 404, parked),
  "POST /api/runs/:runId/compensate": identity("runs", 404),
  "POST /api/runs/:runId/signal": identity("runs", 404, { body: () => ({ name: "go" }) }),
  "POST /api/runs/:runId/fork": identity("runs", 404, { body: () => ({ steps: 0 }) }),

  "GET /api/models": identity("agents", 200),

  "POST /api/agents": identity("agents", 201, { body: () => ({ name: "Mine" }) }),
  "GET /api/agents": identity("agents", 200),
  "GET /api/agents/:agentId": identity("agents", 404),
  "PATCH /api/agents/:agentId": identity("agents", 404, { body: () => ({ name: "Taken over" }) }),
  "DELETE /api/agents/:agentId": identity("agents", 404),
  "POST /api/agents/:agentId/runs": identity("agents", 404, { body: () => ({ goal }) }),
  "POST /api/agents/planning": identity("agents", 404, { body: ({ agentId }) => ({ agentId, goal }) }),
  "POST /api/agents/execute": identity("agents", 404, { body: ({ agentId }) => ({ agentId, goal, plan }) }),
  "POST /api/agents/reflect": identity("agents", 404, {
    body: ({ agentId }) => ({ agentId, goal, plan, results: [] }),
  }),
  "POST /api/agents/workflow": identity("agents", 404, { body: ({ agentId }) => ({ agentId, goal }) }),

  "GET /api/memory/export": identity("memory", 200),
  "DELETE /api/memory": identity("memory", 202),
  // Its id is all that one needs: who asked for the erasure has no session any more.
  "GET /api/memory/erasures/:erasureId": anybody,
  "GET /api/memory/knowledge/:agentId": identity("memory", 404),
  "GET /api/memory/knowledge/:agentId/:key": identity("memory", 404),
  "PUT /api/memory/knowledge/:agentId/:key": identity("memory", 404, { body: () => ({ value: "taken over" }) }),
  "DELETE /api/memory/knowledge/:agentId/:key": identity("memory", 404),

  "POST /api/schedules": identity("schedules", 404, {
    body: ({ agentId }) => ({ when: { delay: "1h" }, target: { kind: "agent", agentId, goal } }),
  }),
  "GET /api/schedules": identity("schedules", 200),
  "GET /api/schedules/:scheduleId": identity("schedules", 404),
  "DELETE /api/schedules/:scheduleId": identity("schedules", 404),
  "POST /api/schedules/:scheduleId/pause": identity("schedules", 404),
  "POST /api/schedules/:scheduleId/resume": identity("schedules", 404),

  "POST /api/engine/execute-step": queue(dueRun),
  "POST /api/engine/fire-schedule": queue(({ userId, scheduleId }) => ({
    body: { userId, scheduleId },
    headers: { "Upstash-Message-Id": "msg_of_a_firing" },
  })),
  "POST /api/engine/call-result": queue(({ userId, runId }) => ({
    body: { status: 200, body: btoa("42"), retried: 0, maxRetries: 3 },
    query: { userId: userId!, runId: runId!, signal: "$call ask" },
  })),
  "POST /api/engine/continue-turn": queue(({ userId, conversationId }) => ({ body: { userId, conversationId } })),
  "POST /api/engine/resume": queue(() => ({ body: {} })),
  "POST /api/workflows/agent": queue(dueRun),
  "POST /api/webhooks/qstash/failure": queue(({ userId, waitingExecutionId }) => ({
    body: { status: 500, body: btoa("it broke"), retried: 3, maxRetries: 3, sourceMessageId: "msg_1", dlqId: "1-1" },
    query: { kind: "tool", userId: userId!, executionId: waitingExecutionId! },
  })),
};

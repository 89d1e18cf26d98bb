import type { UIMessage } from "ai";
import { hc, parseResponse } from "hono/client";
import type { AppType } from "../../src/http/api/app-type.ts";
import { problemFrom, ProblemError } from "./problem.ts";
import { ensureSession, forgetSession } from "./session.ts";

/** Knows each route's parameters, body and answer; the types come from the description of the API. */
const { agents, conversations, chat } = hc<AppType>("/", { fetch: apiFetch }).api;

export type ConversationSummary = Awaited<ReturnType<typeof listConversations>>[number];

/**
 * `fetch` with a session. One 401 opens a new session and sends the request again; any other refusal is thrown.
 * @throws ProblemError for an answer that is not ok; TypeError without a network.
 */
export async function apiFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  await ensureSession();
  let response = await fetch(input, init);
  if (response.status === 401) {
    forgetSession();
    await ensureSession();
    response = await fetch(input, init);
  }
  if (!response.ok) throw await problemFrom(response, Date.now());
  return response;
}

export interface AgentName {
  id: string;
  name: string;
}

/** The user's own. */
export async function listAgents(): Promise<AgentName[]> {
  return (await parseResponse(agents.$get())).agents;
}

/** Newest first. */
export async function listConversations() {
  return (await parseResponse(conversations.$get())).conversations;
}

/** Oldest first; a conversation that nobody has written to yet is empty. */
export async function readMessages(conversationId: string): Promise<UIMessage[]> {
  try {
    const response = conversations[":conversationId"].messages.$get({ param: named(conversationId) });
    // The SDK's type is stricter than what it reads: to it a field that may be left out may not be `undefined`.
    return (await parseResponse(response)).messages as UIMessage[];
  } catch (error) {
    if (error instanceof ProblemError && error.status === 404) return [];
    throw error;
  }
}

export async function renameConversation(conversationId: string, title: string): Promise<void> {
  await conversations[":conversationId"].$patch({ param: named(conversationId), json: { title } });
}

export async function deleteConversation(conversationId: string): Promise<void> {
  await conversations[":conversationId"].$delete({ param: named(conversationId) });
}

/** False when nothing was running, which is also the answer before the turn is recorded. */
export async function stopTurn(conversationId: string): Promise<boolean> {
  return (await parseResponse(chat[":conversationId"].stop.$post({ param: named(conversationId) }))).stopped;
}

/** With `after`, the server replays only what came behind that event. */
export function eventsUrl(conversationId: string, after: string | undefined): string {
  const query = after === undefined ? {} : { after };
  return conversations[":conversationId"].events.$path({ param: named(conversationId), query });
}

/** The client puts parameters into the path as they are. */
function named(conversationId: string): { conversationId: string } {
  return { conversationId: encodeURIComponent(conversationId) };
}

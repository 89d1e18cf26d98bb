import type { UIMessage } from "ai";
import { problemFrom, ProblemError } from "./problem.ts";
import { ensureSession, forgetSession } from "./session.ts";

export interface ConversationSummary {
  id: string;
  title: string;
  /** Unix ms, or an ISO date; read it through `new Date()`. */
  updatedAt: number | string;
}

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
  const response = await apiFetch("/api/agents");
  const body = (await response.json()) as { agents: AgentName[] };
  return body.agents;
}

/** Newest first. */
export async function listConversations(): Promise<ConversationSummary[]> {
  const response = await apiFetch("/api/conversations");
  const body = (await response.json()) as { conversations: ConversationSummary[] };
  return body.conversations;
}

/** Oldest first; a conversation that nobody has written to yet is empty. */
export async function readMessages(conversationId: string): Promise<UIMessage[]> {
  try {
    const response = await apiFetch(`${pathOf(conversationId)}/messages`);
    const body = (await response.json()) as { messages: UIMessage[] };
    return body.messages;
  } catch (error) {
    if (error instanceof ProblemError && error.status === 404) return [];
    throw error;
  }
}

export async function renameConversation(conversationId: string, title: string): Promise<void> {
  await apiFetch(pathOf(conversationId), {
    method: "PATCH",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ title }),
  });
}

export async function deleteConversation(conversationId: string): Promise<void> {
  await apiFetch(pathOf(conversationId), { method: "DELETE" });
}

/** False when nothing was running, which is also the answer before the turn is recorded. */
export async function stopTurn(conversationId: string): Promise<boolean> {
  const response = await apiFetch(`/api/chat/${encodeURIComponent(conversationId)}/stop`, { method: "POST" });
  const body = (await response.json()) as { stopped: boolean };
  return body.stopped;
}

/** With `after`, the server replays only what came behind that event. */
export function eventsUrl(conversationId: string, after: string | undefined): string {
  const query = after === undefined ? "" : `?after=${encodeURIComponent(after)}`;
  return `${pathOf(conversationId)}/events${query}`;
}

function pathOf(conversationId: string): string {
  return `/api/conversations/${encodeURIComponent(conversationId)}`;
}

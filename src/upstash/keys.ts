/**
 * Every Redis key of the Worker, built here and nowhere else.
 *
 * The user id stands in a hash tag, so that all keys of one user live on one shard and one pipeline may touch them all.
 * What goes into a key was checked before (`isUserId`, `isClientId`): none of it holds `:`, `{` or `}`.
 */

/** One session; holds JSON, expires with the session. */
export function sessionKey(userId: string, secretHash: string): string {
  return `session:{${userId}}:${secretHash}`;
}

/** The user's conversations, newest first by score. */
export function conversationIndexKey(userId: string): string {
  return `conversations:{${userId}}`;
}

/** The messages of one conversation in order. */
export function messagesKey(userId: string, conversationId: string): string {
  return `memory:conversations:{${userId}}:${conversationId}`;
}

/** The event list of one conversation. */
export function eventsKey(userId: string, conversationId: string): string {
  return `events:{${userId}}:${conversationId}`;
}

/** What an agent knows about its user; a hash of fact to value, without expiry. */
export function knowledgeKey(userId: string, agentId: string): string {
  return `memory:knowledge:{${userId}}:${agentId}`;
}

/** Prefixes of the rate limiter; it appends `:<identifier>:<window>`. */
export const rateLimitPrefix = {
  api: "ratelimit:api",
  chat: "ratelimit:chat",
  "agent-creation": "ratelimit:agent-creation",
} as const;

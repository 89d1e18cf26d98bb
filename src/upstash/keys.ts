/**
 * Every Redis key of the Worker, built here and nowhere else.
 *
 * The user id stands in a hash tag, so that all keys of one user live on one shard and one pipeline may touch them all.
 * What goes into a key was checked before (`isUserId`, `isClientId`): none of it holds `:`, `{` or `}`.
 */

/**
 * What the values under a key are: `entry` begins with four words that scripts and the fold understand; `clear` holds nothing of anybody's. Whatever has no
 * line here is text of users.
 */
export function contentOf(key: string): "text" | "entry" | "clear" {
  if (clearKeys.has(key) || Object.values(rateLimitPrefix).some((prefix) => key.startsWith(prefix))) return "clear";
  if (["ops:", "tokens:", "cache:claim:", "cache:tag:", "tools:breaker:"].some((prefix) => key.startsWith(prefix)))
    return "clear";
  // When and how schedules fired: a script compares the whole with what was read, which a change of the key must not make differ.
  if (/^schedules:\{.*:firings$/.test(key)) return "clear";
  if (/^tools:\{[^}]*\}:(?:executions|breaker):/.test(key)) return "clear";
  return key.startsWith("events:") || /^runs:\{.*:journal(?::\d+)?$/.test(key) ? "entry" : "text";
}

/** Whether a number in clear may stand there, in a key whose other values are texts. */
export function holdsNumber(key: string, field = ""): boolean {
  // Of a journal that was compacted: its newest volume.
  if (contentOf(key) === "entry") return true;
  if (key.startsWith("conversations:")) return field.endsWith(":at");
  return (key.startsWith("keys:") || key.startsWith("agents:")) && field.endsWith("#");
}

/** What the entries under a key are bound to: the volumes of a journal are one place, for a compaction takes entries from one to the next. */
export function boundTo(key: string): string {
  return key.replace(/^(runs:\{.*:journal):\d+$/, "$1");
}

/** One session; holds JSON, expires with the session. */
export function sessionKey(userId: string, secretHash: string): string {
  return `session:{${userId}}:${secretHash}`;
}

/** Hashes of the user's sessions by the time of their opening. */
export function sessionIndexKey(userId: string): string {
  return `sessions:{${userId}}`;
}

/** The user's API keys; a hash of id to JSON. */
export function apiKeysKey(userId: string): string {
  return `keys:{${userId}}`;
}

/** Model tokens that the user has spent on a day; a number. */
export function tokensSpentKey(userId: string, day: string): string {
  return `tokens:{${userId}}:${day}`;
}

/** One ticket; holds JSON, expires in a minute. */
export function ticketKey(userId: string, secretHash: string): string {
  return `tickets:{${userId}}:${secretHash}`;
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

/** What an agent knows about its user; a hash of key to entry, without expiry. */
export function knowledgeKey(userId: string, agentId: string): string {
  return `memory:knowledge:{${userId}}:${agentId}`;
}

/** Runs of a conversation that are not over, by their start. */
export function conversationRunsKey(userId: string, conversationId: string): string {
  return `runs:{${userId}}:of:${conversationId}`;
}

/** The user's agents; a hash of id to JSON, and of `<id>#` to when it was changed last, without expiry. */
export function agentsKey(userId: string): string {
  return `agents:{${userId}}`;
}

/** What the entries of an agent's knowledge mean; a hash of key to vector. */
export function knowledgeVectorsKey(userId: string, agentId: string): string {
  return `memory:knowledge:{${userId}}:${agentId}:vectors`;
}

/** The agents of a user that know something; a set. */
export function knowledgeIndexKey(userId: string): string {
  return `memory:knowledge:{${userId}}`;
}

/** The journal of one run, or the number of its newest volume once it was compacted; also the channel on which its readers are told. */
export function journalKey(userId: string, runId: string): string {
  return `runs:{${userId}}:${runId}:journal`;
}

/** A volume of a journal that was compacted; the first one, before that, is `journalKey` itself. */
export function journalVolumeKey(userId: string, runId: string, volume: number): string {
  return volume === 0 ? journalKey(userId, runId) : `${journalKey(userId, runId)}:${volume}`;
}

/** The user's runs by their start. */
export function runIndexKey(userId: string): string {
  return `runs:{${userId}}`;
}

/** The user's schedules; a hash of id to schedule. */
export function schedulesKey(userId: string): string {
  return `schedules:{${userId}}`;
}

/** What came of the last firings of the user's schedules; a hash by id. */
export function firingsKey(userId: string): string {
  return `schedules:{${userId}}:firings`;
}

/** What kind of thing stands under a key with the user's id in it: what its name begins with. */
export function kindOf(key: string, userId: string): string {
  return key.slice(0, Math.max(0, key.indexOf(userId))).replace(/[:{]+$/, "");
}

/** Numbers against which limits hold, which pass by themselves within two days: who erases what is theirs does not begin the day anew. */
export function isCountOfLimit(key: string): boolean {
  return key.startsWith("tokens:") || key.startsWith("ratelimit:");
}

/** Of a journal's key; `undefined` for any other key. */
export function runIdOf(key: string, userId: string): string | undefined {
  const [before, after] = [`runs:{${userId}}:`, ":journal"];
  return key.startsWith(before) && key.endsWith(after) ? key.slice(before.length, -after.length) : undefined;
}

/** Of an event list's key; `undefined` for any other key. */
export function conversationIdOf(key: string, userId: string): string | undefined {
  const before = eventsKey(userId, "");
  return key.startsWith(before) ? key.slice(before.length) : undefined;
}

/** All runs that are not over, by the time at which the sweep looks at them. */
export const dueRunsKey = "runs:due";

/** Conversations in which a turn was opened, by the time at which the sweep looks at them. */
export const dueTurnsKey = "turns:due";

/** Requests that failed within a minute, counted from 1970, over all isolates. */
export function failuresKey(minute: number): string {
  return `ops:failures:${minute}`;
}

/** Requests that the limiters refused on a day, over all isolates. */
export function refusalsKey(day: string): string {
  return `ops:refusals:${day}`;
}

/** What models cost on a day, in millionths of a US dollar. */
export function spendKey(day: string): string {
  return `ops:spend:${day}`;
}

/** Alerts that are open: a hash of rule to JSON. */
export const incidentsKey = "ops:incidents";

/** Messages that QStash could not take: a hash of id to JSON. */
export const outboxKey = "outbox";

/** The same by the time at which each was kept. */
export const outboxOrderKey = "outbox:order";

/** What was learned about the budget of each definition. */
export const budgetsKey = "runs:budgets";

/** What one call of a tool that acts has answered, or who makes it now; a string. */
export function toolLedgerKey(userId: string, idempotencyKey: string): string {
  return `tools:{${userId}}:ledger:${idempotencyKey}`;
}

/** The user's calls of one tool that are under way, by the time at which each counts as dead. */
export function toolSlotsKey(userId: string, tool: string): string {
  return `tools:{${userId}}:slots:${tool}`;
}

/** Failures in a row of what tools need, for one user or, without one, for all; a hash, absent while all is well. */
export function toolBreakerKey(name: string, userId?: string): string {
  return userId === undefined ? `tools:breaker:${name}` : `tools:{${userId}}:breaker:${name}`;
}

/** How far a queued call of a tool is; a hash that holds nothing of what was said. */
export function executionKey(userId: string, executionId: string): string {
  return `tools:{${userId}}:executions:${executionId}`;
}

/** What a queued call answered, and how it failed; a hash. */
export function executionTextsKey(userId: string, executionId: string): string {
  return `tools:{${userId}}:execution-texts:${executionId}`;
}

/** The user's queued calls that failed for good, by the time at which they did. */
export function deadExecutionsKey(userId: string): string {
  return `tools:{${userId}}:dead`;
}

/** A cached text; where it is a user's, erased with the user. */
export function cacheValueKey({ owner, name }: Cached<"name">): string {
  return `cache:value:${tagged(owner)}${name}`;
}

/** Who computes it now; a random word. */
export function cacheClaimKey({ owner, name }: Cached<"name">): string {
  return `cache:claim:${tagged(owner)}${name}`;
}

/** A random number since the tag was invalidated last. */
export function cacheTagKey({ owner, tag }: Cached<"tag">): string {
  return `cache:tag:${tagged(owner)}${tag}`;
}

type Cached<Name extends string> = { readonly owner?: string | undefined } & { readonly [Key in Name]: string };

function tagged(owner: string | undefined): string {
  return owner === undefined ? "" : `{${owner}}:`;
}

/** Prefix of the limits that tools declare; the limiter appends `:<caller>:<window>`. */
export function toolRatePrefix(tool: string): string {
  return `ratelimit:tool:${tool}`;
}

/** Prefixes of the rate limiter; it appends `:<identifier>:<window>`. */
export const rateLimitPrefix = {
  api: "ratelimit:api",
  chat: "ratelimit:chat",
  "agent-creation": "ratelimit:agent-creation",
} as const;

const clearKeys = new Set([dueRunsKey, dueTurnsKey, budgetsKey]);

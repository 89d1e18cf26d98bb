/** What an agent of the caller's knows: entries by key, in pages, and by search. */
import type { Context } from "hono";
import * as z from "zod/mini";
import { AppError } from "../../core/errors.ts";
import { isClientId } from "../../core/ids.ts";
import { asJson, type JsonValue } from "../../core/json.ts";
import { limits } from "../../core/limits.ts";
import { isKnowledgeKey, valueBytes, type KnowledgeOwner } from "../../memory/knowledge.ts";
import { entryOf, keepKnowledge } from "../../memory/keep-knowledge.ts";
import { searchKnowledge, type KnowledgeQuery } from "../../memory/search-knowledge.ts";
import type { AppEnv } from "../app-env.ts";
import { InvalidBody } from "../invalid-body.ts";
import { identityOf } from "../middleware/identity.ts";
import { readJson } from "../read-json.ts";
import { readCount, readPhrase, readWord } from "../read-query.ts";

export const Knowledge = z.strictObject({
  value: z.unknown(),
  tags: z.optional(
    z
      .array(z.string().check(z.trim(), z.minLength(1), z.maxLength(limits.knowledgeTagCharsMax)))
      .check(z.maxLength(limits.knowledgeTagsMax)),
  ),
});

/** With `?q=` a search, best first; else a page in the order of keys, after `?after=`. Both within `?prefix=`. */
export async function findKnowledge(c: Context<AppEnv>): Promise<Response> {
  const owner = await ownerOf(c);
  const prefix = readPhrase(c, "prefix", limits.knowledgeKeyCharsMax) ?? "";
  const text = readPhrase(c, "q", limits.searchQueryCharsMax);
  return text === undefined ? list(c, owner, prefix) : search(c, owner, prefix, text);
}

async function list(c: Context<AppEnv>, owner: KnowledgeOwner, prefix: string): Promise<Response> {
  const count = readCount(c, "limit", { fallback: limits.knowledgePageMax, max: limits.knowledgePageMax });
  const after = c.req.query("after");
  if (after !== undefined && !isKnowledgeKey(after)) {
    throw new AppError("invalid_cursor", "`after` must be a key that this list gave out.");
  }
  const { store } = (await c.get("wire").memory()).knowledge;
  const keys = (await store.keys(owner)).filter((key) => key.startsWith(prefix));
  const left = after === undefined ? keys : keys.filter((key) => key > after);
  const page = left.slice(0, count);
  const entries = (await store.getMany(owner, page)).map(entryOf);
  return c.json({ entries, total: keys.length, ...(left.length > page.length ? { next: page.at(-1) } : {}) });
}

async function search(c: Context<AppEnv>, owner: KnowledgeOwner, prefix: string, text: string): Promise<Response> {
  const by = readWord(c, "by", ["text", "meaning"]);
  const limit = readCount(c, "limit", { fallback: limits.knowledgeHitsDefault, max: limits.knowledgeHitsMax });
  if (text.trim() === "") throw new AppError("bad_request", "`q` must hold some text.");
  const query: KnowledgeQuery = { text, limit, prefix, ...(by === undefined ? {} : { by }) };
  const { knowledge } = await c.get("wire").memory();
  const found = await searchKnowledge(knowledge, owner, query, c.req.raw.signal);
  const hits = found.hits.map(({ entry, score }) => ({ ...entry, score }));
  return c.json({ by: found.by, hits, ...(found.unseen === 0 ? {} : { unseen: found.unseen }) });
}

export async function getKnowledge(c: Context<AppEnv>): Promise<Response> {
  const owner = await ownerOf(c);
  const { store } = (await c.get("wire").memory()).knowledge;
  const entry = await store.get(owner, keyOf(c));
  if (entry === undefined) throw noEntry();
  return c.json(entryOf(entry));
}

export async function putKnowledge(c: Context<AppEnv>): Promise<Response> {
  const owner = await ownerOf(c);
  const key = keyOf(c);
  const body = await readJson(c, Knowledge);
  const given = { key, value: valueIn(body.value), tags: body.tags ?? [] };
  const { knowledge } = await c.get("wire").memory();
  const outcome = await keepKnowledge(knowledge, owner, given, c.req.raw.signal);
  if (outcome.kind === "kept") return c.json(outcome.entry);
  throw new AppError("too_many", `An agent knows at most ${limits.knowledgeEntriesMax} entries; remove one first.`);
}

export async function removeKnowledge(c: Context<AppEnv>): Promise<Response> {
  const owner = await ownerOf(c);
  const { store } = (await c.get("wire").memory()).knowledge;
  if (!(await store.remove(owner, keyOf(c)))) throw noEntry();
  return c.body(null, 204);
}

/** @throws not_found (refuse) for an agent that is not the caller's. */
async function ownerOf(c: Context<AppEnv>): Promise<KnowledgeOwner> {
  const agentId = c.req.param("agentId");
  if (!isClientId(agentId)) throw noAgent();
  const owner = { userId: identityOf(c).userId, agentId };
  const { agents } = await c.get("wire").memory();
  if (!(await agents.owns(owner))) throw noAgent();
  return owner;
}

/** @throws bad_request (refuse) for what can be no key. */
function keyOf(c: Context<AppEnv>): string {
  const key = c.req.param("key");
  if (isKnowledgeKey(key)) return key;
  throw new AppError(
    "bad_request",
    `A key has 1 to ${limits.knowledgeKeyCharsMax} characters and no control characters.`,
  );
}

function valueIn(given: unknown): JsonValue {
  const json = asJson(given);
  if (json?.value === undefined) throw new InvalidBody([{ pointer: "/value", detail: "must be there" }]);
  if (valueBytes(json.value) <= limits.knowledgeValueBytesMax) return json.value;
  const detail = `must have at most ${limits.knowledgeValueBytesMax} bytes as JSON`;
  throw new InvalidBody([{ pointer: "/value", detail }]);
}

function noAgent(): AppError {
  return new AppError("not_found", "There is no such agent.");
}

function noEntry(): AppError {
  return new AppError("not_found", "The agent knows nothing under this key.");
}

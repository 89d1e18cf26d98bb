/** The caller's API keys. */
import { Hono, type Context } from "hono";
import * as z from "zod/mini";
import { AppError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { ApiKey } from "../../session/api-key.ts";
import { isKeyId, visiblePart } from "../../session/api-key-token.ts";
import type { NewKey, ShownKey } from "../../session/api-keys.ts";
import type { Identity } from "../../session/identity.ts";
import { scopes } from "../../session/scope.ts";
import type { AppEnv } from "../app-env.ts";
import { identityOf, requireIdentity, requireScope } from "../middleware/identity.ts";
import { readJson, readOptionalJson } from "../read-json.ts";

const dayMs = 24 * 60 * 60 * 1000;

export const KeyDraft = z.strictObject({
  name: z.string().check(z.trim(), z.minLength(1), z.maxLength(limits.keyNameCharsMax)),
  scopes: z.array(z.enum(scopes)).check(z.minLength(1), z.maxLength(scopes.length)),
  expiresInDays: z.optional(z.int().check(z.gte(1), z.lte(limits.keyDaysMax))),
  /** Whether the key may be used in the name of the tenant's users. */
  actsForUsers: z.optional(z.boolean()),
  tokensPerDay: z.optional(z.int().check(z.gte(1))),
});
export const KeyRotation = z.strictObject({
  overlapSeconds: z.optional(z.int().check(z.gte(0), z.lte(limits.keyOverlapSecondsMax))),
});

/** Mounted at `/api/keys`. */
export function keyRoutes() {
  return new Hono<AppEnv>()
    .use("*", requireIdentity())
    .get("/", async (c) => c.json({ keys: (await c.get("wire").keys.list(identityOf(c).userId)).map(viewKey) }))
    .post("/", createKey)
    .post("/:keyId/rotate", rotateKey)
    .delete("/:keyId", async (c) => {
      if (!(await c.get("wire").keys.remove(identityOf(c).userId, keyIdOf(c)))) throw notFound();
      return c.body(null, 204);
    });
}

async function createKey(c: Context<AppEnv>): Promise<Response> {
  const identity = identityOf(c);
  const { keys, clock } = c.get("wire");
  const made = await keys.create(identity, await readDraft(c, identity, clock.now()));
  if (made === undefined) {
    throw new AppError("too_many", `A user may have ${limits.keysPerUserMax} keys; remove one first.`);
  }
  return show(c, made, 201);
}

/** A key can do no more than whoever makes it. @throws insufficient_scope (refuse) */
async function readDraft(c: Context<AppEnv>, identity: Identity, nowMs: number): Promise<NewKey> {
  const draft = await readJson(c, KeyDraft);
  for (const scope of draft.scopes) requireScope(identity, scope);
  if (draft.actsForUsers === true) requireScope(identity, "admin");
  if (draft.tokensPerDay !== undefined && c.get("wire").tokenBudget === undefined) {
    throw new AppError(
      "bad_request",
      "Tokens are not counted here: a key can have a budget where TOKENS_PER_DAY is set.",
    );
  }
  const tokensPerDay = Math.min(draft.tokensPerDay ?? Infinity, identity.tokensPerDay ?? Infinity);
  const wantedEndMs = draft.expiresInDays === undefined ? Infinity : nowMs + draft.expiresInDays * dayMs;
  const expiresAtMs = Math.min(wantedEndMs, identity.endsAtMs ?? Infinity);
  return {
    name: draft.name,
    scopes: [...new Set(draft.scopes)],
    isActing: draft.actsForUsers ?? false,
    ...(expiresAtMs === Infinity ? {} : { expiresAtMs }),
    ...(tokensPerDay === Infinity ? {} : { tokensPerDay }),
  };
}

async function rotateKey(c: Context<AppEnv>): Promise<Response> {
  const { overlapSeconds = limits.keyOverlapSecondsDefault } = await readOptionalJson(c, KeyRotation);
  const rotated = await c.get("wire").keys.rotate(identityOf(c), keyIdOf(c), overlapSeconds * 1000);
  if (rotated === undefined) throw notFound();
  if (rotated === "beyond") {
    throw new AppError("insufficient_scope", "This key may do more than you: whoever has its scopes can rotate it.");
  }
  if (rotated === "busy") {
    throw new AppError("too_many", "This key was rotated just now, or too many of its secrets still work.");
  }
  return show(c, rotated, 200);
}

/** @throws not_found (refuse) for what is no id of a key: beside each key stand fields of its own. */
function keyIdOf(c: Context<AppEnv>): string {
  const id = c.req.param("keyId") ?? "";
  if (!isKeyId(id)) throw notFound();
  return id;
}

/** The only answer that holds a key. */
function show(c: Context<AppEnv>, { key, token }: ShownKey, status: 200 | 201): Response {
  c.header("Cache-Control", "no-store");
  return c.json({ ...viewKey(key), key: token }, status);
}

function viewKey({ id, name, scopes: granted, isActing, createdAtMs, expiresAtMs, tokensPerDay, secrets }: ApiKey) {
  return {
    id,
    name,
    begins: visiblePart(id),
    scopes: granted,
    actsForUsers: isActing,
    createdAt: isoOf(createdAtMs),
    ...(expiresAtMs === undefined ? {} : { expiresAt: isoOf(expiresAtMs) }),
    ...(tokensPerDay === undefined ? {} : { tokensPerDay }),
    /** When earlier secrets of this key end. */
    earlierUntil: secrets.flatMap(({ expiresAtMs: atMs }) => (atMs === undefined ? [] : [isoOf(atMs)])),
  };
}

function isoOf(atMs: number): string {
  return new Date(atMs).toISOString();
}

function notFound(): AppError {
  return new AppError("not_found", "There is no such key.");
}

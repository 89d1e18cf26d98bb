/** The two tools of an agent's memory: keep a fact about the user, and look one up. */
import * as z from "zod/mini";
import { limits } from "../core/limits.ts";
import type { Fact, FactStore } from "./fact-store.ts";
import { defineTool, failed, ok, type ToolContext } from "./tool.ts";

export interface FactServices {
  readonly facts: FactStore;
}

const factKey = z.string().check(z.trim(), z.minLength(1), z.maxLength(limits.factKeyCharsMax));

export const remember = defineTool({
  name: "remember",
  description:
    "Remembers a fact about the user for later conversations, under a short key such as 'favourite colour'. An earlier value " +
    "under the same key is replaced. Use it when the user asks to remember something.",
  input: z.object({
    key: factKey,
    value: z.string().check(z.minLength(1), z.maxLength(limits.factValueCharsMax)),
  }),
  effect: "write",
  scopes: ["knowledge:write"],
  timeoutMs: limits.toolTimeoutMs,
  async execute({ services, userId, agentId, signal }: ToolContext<FactServices>, { key, value }) {
    const fact = { key: normalKey(key), value };
    const outcome = await services.facts.remember({ userId, agentId }, fact, signal);
    if (outcome === "full")
      return failed(`The memory is full: ${limits.knowledgeEntriesMax} facts are kept. Replace one of them.`);
    if (outcome === "unusable")
      return failed("This cannot be kept: use a few plain words as the key, and a shorter value.");
    return ok({ remembered: fact });
  },
});

export const recall = defineTool({
  name: "recall",
  description:
    "Looks up what was remembered about the user: under a key, or by a query in words, which finds what is near to it. Without either it lists all that is remembered.",
  input: z.object({
    key: z.optional(factKey),
    query: z.optional(z.string().check(z.trim(), z.minLength(1), z.maxLength(limits.searchQueryCharsMax))),
  }),
  effect: "read",
  scopes: ["knowledge:read"],
  timeoutMs: limits.toolTimeoutMs,
  async execute({ services: { facts }, userId, agentId, signal }: ToolContext<FactServices>, { key, query }) {
    const owner = { userId, agentId };
    if (key === undefined && query === undefined) return ok(preview(await facts.list(owner)));
    if (key === undefined) return ok(preview(await facts.search(owner, query ?? "", signal)));
    const known = normalKey(key);
    const value = await facts.recall(owner, known);
    if (value !== undefined) return ok({ key: known, isKnown: true, value });
    // A model seldom hits the very key: what is near to it may be what was meant.
    const near = await facts.search(owner, query ?? known, signal);
    return ok({ key: known, isKnown: false, ...(near.length === 0 ? {} : preview(near)) });
  },
});

/** Models do not repeat a key letter by letter: case, spacing and stray control characters do not tell facts apart. */
function normalKey(key: string): string {
  return key
    .replaceAll(/[\s\p{Cc}]+/gu, " ")
    .trim()
    .toWellFormed()
    .toLowerCase();
}

const previewCharsMax = 100;
/** Below the limit of a tool's output, with room for the JSON around it. */
const listCharsMax = limits.toolOutputBytesMax / 4;

/** Long values are cut, and the list ends before it is too long for an answer; each fact can still be recalled by its key. */
function preview(facts: readonly Fact[]) {
  const shown: Fact[] = [];
  let chars = 0;
  for (const { key, value } of facts) {
    const text = value.length > previewCharsMax ? `${value.slice(0, previewCharsMax)}…` : value;
    chars += key.length + text.length;
    if (chars > listCharsMax) break;
    shown.push({ key, value: text });
  }
  const omitted = facts.length - shown.length;
  return omitted === 0 ? { facts: shown } : { facts: shown, omitted };
}

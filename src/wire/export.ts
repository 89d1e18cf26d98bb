/** What an export holds, kind by kind. A chunk of its own: who exports does so once. */
import { foldRun } from "../engine/fold-run.ts";
import type { RunCursor } from "../engine/journal.ts";
import { viewRun } from "../engine/run-view.ts";
import { limits } from "../core/limits.ts";
import { entryOf } from "../memory/keep-knowledge.ts";
import type { ExportItem, ExportSection } from "../memory/export-user.ts";
import { upstashAgentStore } from "../upstash/agent-store.ts";
import { upstashConversationStore } from "../upstash/conversation-store.ts";
import { upstashJournal, upstashRunIndex } from "../upstash/journal.ts";
import { upstashKnowledgeStore } from "../upstash/knowledge-store.ts";
import { upstashScheduleStore } from "../upstash/schedule-store.ts";
import { upstashSessionStore } from "../upstash/session-store.ts";
import type { Adapters } from "./adapters.ts";

export function exportSections({ redis, clock }: Adapters): readonly ExportSection[] {
  const agents = upstashAgentStore(redis);
  const schedules = upstashScheduleStore(redis);
  const sessions = upstashSessionStore(redis);
  const knowledge = upstashKnowledgeStore(redis);
  const conversations = upstashConversationStore(redis, clock);
  return [
    section("session", (userId) => sessions.list(userId), {
      placeOf: ({ ref }) => ref.secretHash.slice(0, 16),
      valueOf: async ({ createdAtMs, scopes }) => ({ createdAt: createdAtMs, scopes }),
    }),
    section("agent", (userId) => agents.list(userId), {
      placeOf: ({ id }) => id,
      valueOf: async (agent) => ({ ...agent }),
    }),
    section("schedule", (userId) => schedules.list(userId), {
      placeOf: ({ schedule }) => schedule.scheduleId,
      valueOf: async ({ schedule, firings }) => ({ ...schedule, firings }),
    }),
    section("knowledge", (userId) => knowledge.agents(userId), {
      placeOf: (agentId) => agentId,
      async valueOf(agentId, userId) {
        const { entries } = await knowledge.load({ userId, agentId }, { withVectors: false });
        return { agentId, entries: entries.map(entryOf) };
      },
    }),
    section("conversation", (userId) => conversations.list(userId), {
      placeOf: ({ id }) => id,
      async valueOf(conversation, userId) {
        const { messages, summary } = await conversations.memory({ userId, conversationId: conversation.id });
        return { ...conversation, messages, ...(summary === undefined ? {} : { summary: summary.text }) };
      },
    }),
    runSection({ redis, clock }),
  ];
}

/** Things of which there are so few that their list is read whole. Each is read when its turn comes. */
function section<Thing>(
  kind: string,
  list: (userId: string) => Promise<readonly Thing[]>,
  o: {
    readonly placeOf: (thing: Thing) => string;
    readonly valueOf: (thing: Thing, userId: string) => Promise<ExportItem["value"]>;
  },
): ExportSection {
  return {
    kind,
    async *items(userId, after = "") {
      const placed = (await list(userId)).map((thing) => ({ place: o.placeOf(thing), thing }));
      const behind = placed.filter(({ place }) => place > after).toSorted((a, b) => (a.place < b.place ? -1 : 1));
      for (const { place, thing } of behind) yield { place, value: await o.valueOf(thing, userId) };
    },
  };
}

/** Newest first. A place counts the runs that started in the same millisecond, as that of the list of runs does. */
function runSection({ redis, clock }: Pick<Adapters, "redis" | "clock">): ExportSection {
  const index = upstashRunIndex(redis);
  const journal = upstashJournal(redis, clock);
  return {
    kind: "run",
    async *items(userId, after) {
      let cursor = cursorOf(after);
      for (;;) {
        const page = await index.page(userId, { ...cursor, count: limits.runsPageMax });
        for (const { runId, startedAtMs } of page) {
          const skip = startedAtMs === cursor.atMostMs ? cursor.skip + 1 : 1;
          cursor = { atMostMs: startedAtMs, skip };
          const { state } = foldRun(await journal.read({ userId, runId }, 0));
          const view = viewRun(runId, state);
          if (view === undefined) continue;
          const memory = Object.fromEntries(state.memory.values);
          yield { place: `${startedAtMs}-${skip}`, value: { ...view, input: state.started?.input, memory } };
        }
        if (page.length < limits.runsPageMax) return;
      }
    },
  };
}

function cursorOf(after: string | undefined): RunCursor {
  const match = /^(\d{1,15})-(\d{1,6})$/.exec(after ?? "");
  return match === null
    ? { atMostMs: Number.MAX_SAFE_INTEGER, skip: 0 }
    : { atMostMs: Number(match[1]), skip: Number(match[2]) };
}

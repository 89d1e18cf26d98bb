import { parkedAtOf, parkedPlace, type ParkedRuns } from "../engine/parked-runs.ts";
import type { RedisClient } from "./batch.ts";
import { runMember, runRefsIn } from "./due-registry.ts";
import { dueRunsKey } from "./keys.ts";
import { readTexts } from "./reply.ts";

export function upstashParkedRuns(redis: RedisClient): ParkedRuns {
  return {
    async page({ atMostMs, skip, count }) {
      const range = [parkedPlace(atMostMs), parkedPlace(0), "BYSCORE", "REV", "LIMIT", skip, count, "WITHSCORES"];
      const flat = await redis.command(["ZRANGE", dueRunsKey, ...range], readTexts);
      return Array.from({ length: flat.length / 2 }, (_pair, index) => index * 2).flatMap((at) => {
        const parkedAtMs = parkedAtOf(Number(flat[at + 1])) ?? 0;
        return runRefsIn(flat[at]!).map((ref) => ({ ref, parkedAtMs }));
      });
    },

    async among(userId, runIds) {
      if (runIds.length === 0) return [];
      const members = runIds.map((runId) => runMember({ userId, runId }));
      const places = await redis.command(["ZMSCORE", dueRunsKey, ...members], (reply) => reply as (string | null)[]);
      return runIds.flatMap((runId, index) => {
        const place = places[index];
        const parkedAtMs = place === null || place === undefined ? undefined : parkedAtOf(Number(place));
        return parkedAtMs === undefined ? [] : [{ ref: { userId, runId }, parkedAtMs }];
      });
    },
  };
}

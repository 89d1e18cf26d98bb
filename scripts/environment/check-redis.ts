import { randomUUID } from "node:crypto";
import { askServer, fieldOf, type Answer } from "./ask-server.ts";
import { ok, setupCommand, wrong, type Finding } from "./finding.ts";
import { troubleOf } from "./trouble.ts";

/** Signatures are good for five minutes and a minute of tolerance; far less than that is worth a look. */
const skewSecondsMax = 30;
const atConsole = "https://console.upstash.com → Redis → your database → REST API shows";

/**
 * Whether the database answers, lets us write, how long the way is and whether its clock is ours. One round trip; what it
 * writes is gone after ten seconds.
 */
export async function checkRedis(url: string, token: string): Promise<readonly Finding[]> {
  const said = await askServer(`${url.replace(/\/+$/, "")}/pipeline`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify([["PING"], ["TIME"], ["SET", `skipstone:check:${randomUUID()}`, "1", "EX", "10"]]),
  });
  if (said.kind === "silence") {
    return [wrong(`Redis does not answer: ${said.words}. ${atConsole} UPSTASH_REDIS_REST_URL.`, setupCommand)];
  }
  if (said.status === 401 || said.status === 403) {
    return [wrong(`Redis does not accept the token. ${atConsole} UPSTASH_REDIS_REST_TOKEN.`, setupCommand)];
  }
  const [ping, time, set] = Array.isArray(said.body) ? (said.body as unknown[]) : [];
  const trouble = troubleOf("Redis", said, token, fieldOf(ping ?? said.body, "error"));
  if (trouble !== undefined) return [trouble];
  if (said.status !== 200 || fieldOf(ping, "result") !== "PONG") {
    const words = `What answers there with status ${said.status} is no Redis REST API.`;
    return [wrong(`${words} ${atConsole} UPSTASH_REDIS_REST_URL.`, setupCommand)];
  }
  return [
    ok(`Redis answers in ${Math.ceil(said.ms)} ms.`),
    writeFinding(set, said, token),
    clockFinding(fieldOf(time, "result"), Date.now()),
  ];
}

function writeFinding(set: unknown, said: Answer, token: string): Finding {
  if (fieldOf(set, "result") === "OK") return ok("Redis lets us write.");
  const error = fieldOf(set, "error");
  const trouble = String(error).startsWith("NOPERM") ? undefined : troubleOf("Redis", said, token, error);
  return (
    trouble ?? wrong(`Redis refuses to write: this is a read-only token. ${atConsole} the other one.`, setupCommand)
  );
}

/** @param time what `TIME` answers: seconds, and microseconds beside. */
export function clockFinding(time: unknown, nowMs: number): Finding {
  const seconds = Number(Array.isArray(time) ? time[0] : Number.NaN);
  const skew = Math.round(seconds - nowMs / 1000);
  if (!Number.isFinite(skew)) return wrong("Redis does not tell the time, as an Upstash database does.", setupCommand);
  if (Math.abs(skew) <= skewSecondsMax) return ok("The clocks agree.");
  const words = `This machine's clock is ${Math.abs(skew)} s ${skew > 0 ? "behind" : "ahead of"} that of Redis.`;
  return wrong(words, "sudo timedatectl set-ntp true");
}

import { describe, expect, it } from "vitest";
import { cronProblem } from "../../src/schedule/cron.ts";
import { parseFirings, parseSchedule, runOf, type ScheduleTarget } from "../../src/schedule/schedule.ts";

const now = Date.UTC(2026, 10, 25);

describe("a cron", () => {
  it.each(["* * * * *", "0 9 * * 1-5", "*/15 8-18 * * mon,wed", "0 0 1 jan *", "30 2 29 2 *", " 5  4 * * 7 "])(
    "%j is fine",
    (cron) => {
      expect(cronProblem(cron, "Europe/Berlin", now)).toBeUndefined();
    },
  );

  it.each([
    ["", "five fields"],
    ["* * * *", "five fields"],
    ["0 * * * * *", "five fields"],
    ["@daily", "five fields"],
    ["61 * * * *", "must be a cron"],
    ["* 24 * * *", "must be a cron"],
    ["* * 0 * *", "must be a cron"],
    ["* * * 13 *", "must be a cron"],
    ["* * * foo *", "must be a cron"],
    ["5-1 * * * *", "must be a cron"],
    ["*/0 * * * *", "must be a cron"],
    ["* * L * *", "must be made of"],
    ["* * 15W * ?", "must be made of"],
    ["* * * * 1#2", "must be made of"],
    ["0 0 30 2 *", "no day fits"],
    ["0 0 31 4,6,9,11 *", "no day fits"],
    ["; DROP TABLE x y", "must be made of"],
  ])("%j is refused with a sentence", (cron, words) => {
    expect(cronProblem(cron, "UTC", now)).toContain(words);
  });

  it.each(["Mars/Olympus", "", "UTC+25", "../etc"])("in the time zone %j is refused", (timeZone) => {
    expect(cronProblem("* * * * *", timeZone, now)).toContain("time zone");
  });
});

describe("a stored schedule", () => {
  it.each(["", "{", "null", "[]", '{"scheduleId":"s"}'])("%j is none", (text) => {
    expect(parseSchedule(text)).toBeUndefined();
  });

  it.each([undefined, "", "{", '[{"id":1}]'])("without firings that can be read (%j) has had none", (text) => {
    expect(parseFirings(text)).toEqual([]);
  });

  it("runs the definition of its target", async () => {
    const findAgent = async (_user: string, agentId: string) => (agentId === "a" ? { id: "a" } : undefined);
    const of = (target: ScheduleTarget) => runOf(target, "usr_1", findAgent);
    expect(await of({ kind: "saga", name: "s" })).toEqual({
      definition: "s",
      version: undefined,
      input: {},
      conversationId: undefined,
    });
    expect(await of({ kind: "tool", name: "t", parameters: { a: 1 } })).toMatchObject({
      definition: "run-tool",
      input: { name: "t", parameters: { a: 1 } },
    });
    expect(await of({ kind: "agent", agentId: "a", goal: "g", conversationId: "c" })).toMatchObject({
      definition: "agent-run",
      input: { agent: { id: "a" }, goal: "g" },
      conversationId: "c",
    });
    expect(await of({ kind: "agent", agentId: "b", goal: "g" })).toBeUndefined();
  });
});

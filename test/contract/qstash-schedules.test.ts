import { describe, expect, it } from "vitest";
import { at, startQstash, type QstashRig } from "./qstash-rig.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

const count = (rig: QstashRig) => rig.destination.deliveries.length;

async function advance(rig: QstashRig, ms: number): Promise<void> {
  await rig.clock.advance(ms);
  await rig.idle();
}

describe("a schedule", () => {
  it("sends a message at each time of its cron, as the schedule's", async () => {
    const rig = await startQstash();
    const { scheduleId } = await rig.client.schedules.create({
      destination: rig.destination.url,
      cron: " */5 * * * * ",
      body: "tick",
      headers: { "x-run": "7" },
    });
    await advance(rig, hourMs);
    expect(count(rig)).toBe(12);
    const delivery = at(rig.destination.deliveries, 0);
    expect(delivery.body).toBe("tick");
    expect(delivery.headers).toMatchObject({ "upstash-schedule-id": scheduleId, "x-run": "7" });
    const times = (await rig.client.logs({ filter: { scheduleId, state: "CREATED" } })).logs.map(({ time }) => time);
    expect(times.every((ms) => ms % (5 * minuteMs) === 0)).toBe(true);
    expect(new Set(times).size).toBe(12);
  });

  it("is read and listed with its times and the outcome of its last run", async () => {
    const rig = await startQstash();
    const { scheduleId } = await rig.client.schedules.create({
      destination: rig.destination.url,
      cron: "* * * * *",
      body: "tick",
      retries: 1,
      delay: 10,
      label: "l",
    });
    const nextMs = Math.floor(rig.clock.now() / minuteMs + 1) * minuteMs;
    const made = { scheduleId, cron: "* * * * *", destination: rig.destination.url, method: "POST", body: "tick" };
    expect(await rig.client.schedules.get(scheduleId)).toMatchObject({
      ...made,
      retries: 1,
      delay: 10,
      label: "l",
      isPaused: false,
      nextScheduleTime: nextMs,
    });
    await advance(rig, nextMs - rig.clock.now());
    expect(count(rig)).toBe(0);
    expect(Object.values((await rig.client.schedules.get(scheduleId)).lastScheduleStates ?? {})).toEqual([
      "IN_PROGRESS",
    ]);
    await advance(rig, 10_000);
    expect(count(rig)).toBe(1);
    const [listed] = await rig.client.schedules.list();
    expect(listed).toMatchObject({ ...made, lastScheduleTime: nextMs, nextScheduleTime: nextMs + minuteMs });
    expect(Object.values(listed?.lastScheduleStates ?? {})).toEqual(["SUCCESS"]);
  });

  it.each([
    ["0 4 * * *", "UTC"],
    ["CRON_TZ=America/New_York 0 4 * * *", "America/New_York"],
    ["CRON_TZ=Asia/Kolkata 0 4 * * *", "Asia/Kolkata"],
  ])("fires at four o'clock of its time zone: %s", async (cron, timeZone) => {
    const rig = await startQstash();
    const { scheduleId } = await rig.client.schedules.create({ destination: rig.destination.url, cron });
    const { nextScheduleTime = 0 } = await rig.client.schedules.get(scheduleId);
    const clockFace = new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", minute: "2-digit" });
    expect(clockFace.format(nextScheduleTime)).toBe("04:00");
    await advance(rig, nextScheduleTime - rig.clock.now() - 1);
    expect(count(rig)).toBe(0);
    await advance(rig, 1);
    expect(count(rig)).toBe(1);
  });

  it("does nothing while it is paused and does not make up for it", async () => {
    const rig = await startQstash();
    const { scheduleId } = await rig.client.schedules.create({ destination: rig.destination.url, cron: "0 * * * *" });
    await rig.client.schedules.pause({ schedule: scheduleId });
    await advance(rig, 5 * hourMs);
    expect(count(rig)).toBe(0);
    expect(await rig.client.schedules.get(scheduleId)).toMatchObject({ isPaused: true });
    expect((await rig.call("POST", `/v2/schedules/${scheduleId}/resume`)).status).toBe(200);
    await advance(rig, hourMs);
    expect(count(rig)).toBe(1);
  });

  it("fires no more once it is deleted", async () => {
    const rig = await startQstash();
    const { scheduleId } = await rig.client.schedules.create({ destination: rig.destination.url, cron: "* * * * *" });
    await rig.client.schedules.delete(scheduleId);
    await advance(rig, hourMs);
    expect(count(rig)).toBe(0);
    await expect(rig.client.schedules.delete(scheduleId)).rejects.toMatchObject({ status: 404 });
    await expect(rig.client.schedules.get(scheduleId)).rejects.toMatchObject({ status: 404 });
  });

  it("takes the place of the one with the same id", async () => {
    const rig = await startQstash();
    const create = (cron: string) =>
      rig.client.schedules.create({ destination: rig.destination.url, cron, scheduleId: "mine" });
    expect(await create("* * * * *")).toEqual({ scheduleId: "mine" });
    await create("0 * * * *");
    expect(await rig.client.schedules.list()).toHaveLength(1);
    await advance(rig, hourMs);
    expect(count(rig)).toBe(1);
  });

  it("sends to a URL group and through a queue", async () => {
    const rig = await startQstash();
    const url = rig.destination.url;
    await rig.client.urlGroups.addEndpoints({ name: "g", endpoints: [{ url }, { url: `${url}/2` }] });
    await rig.client.schedules.create({ destination: "g", cron: "0 * * * *", queueName: "q" });
    await rig.client.queue({ queueName: "q" }).pause();
    await advance(rig, hourMs);
    expect(count(rig)).toBe(0);
    expect(await rig.client.queue({ queueName: "q" }).get()).toMatchObject({ lag: 2 });
    await rig.client.queue({ queueName: "q" }).resume();
    await rig.idle();
    expect(count(rig)).toBe(2);
  });

  it("goes on when its group is missing for a while", async () => {
    const rig = await startQstash();
    const group = { name: "g", endpoints: [{ url: rig.destination.url }] };
    await rig.client.urlGroups.addEndpoints(group);
    await rig.client.schedules.create({ destination: "g", cron: "0 * * * *" });
    await rig.client.urlGroups.delete("g");
    await advance(rig, hourMs);
    await rig.client.urlGroups.addEndpoints(group);
    await advance(rig, hourMs);
    expect(count(rig)).toBe(1);
  });

  it.each([
    ["", 400],
    ["often", 400],
    ["* * * * * *", 400],
    ["61 * * * *", 400],
    ["0 0 30 2 *", 400],
    ["CRON_TZ=No/Where 0 4 * * *", 400],
    ["CRON_TZ=UTC", 400],
  ])("is refused when its cron is %j", async (cron, status) => {
    const rig = await startQstash();
    const created = rig.client.schedules.create({ destination: rig.destination.url, cron });
    await expect(created).rejects.toMatchObject({ status });
    expect(await rig.client.schedules.list()).toEqual([]);
  });

  it.each([
    ["no-such-group", {}, 404],
    ["http://127.0.0.1:1/", { "Upstash-Retries": "many" }, 400],
    ["http://127.0.0.1:1/", { "Upstash-Schedule-Id": "a b" }, 400],
    ["http://127.0.0.1:1/", { "Upstash-Queue-Name": "a b" }, 400],
    ["ftp://127.0.0.1:1/", {}, 400],
  ])("is refused when it could not be published: %s %j", async (destination, headers, status) => {
    const { call } = await startQstash();
    const created = await call("POST", `/v2/schedules/${destination}`, {
      headers: { "Upstash-Cron": "* * * * *", ...headers },
    });
    expect(created.status).toBe(status);
  });
});

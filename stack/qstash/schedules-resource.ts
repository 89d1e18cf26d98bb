/** `/v2/schedules`. What cannot be published is refused when the schedule is made, not when it fires. */
import { randomUUID } from "node:crypto";
import type { StackClock } from "../clock.ts";
import { ApiError } from "./api-error.ts";
import { parseCron } from "./cron.ts";
import { isGroupName, readDestination } from "./destination.ts";
import type { EventLog } from "./event-log.ts";
import type { GroupStore } from "./group-store.ts";
import type { MessageStore } from "./message-store.ts";
import type { RefuseOwn } from "./own-destination.ts";
import { readOptions } from "./publish-options.ts";
import type { QueueStore } from "./queue-store.ts";
import { splitDestination } from "./request-destination.ts";
import { idIn, type ApiRequest, type Resource } from "./route.ts";
import { viewSchedule, type RunState } from "./schedule-view.ts";
import type { Schedule, Schedules } from "./schedules.ts";

export function createSchedulesResource(o: {
  schedules: Schedules;
  queues: QueueStore;
  groups: GroupStore;
  messages: MessageStore;
  events: EventLog;
  refuseOwn: RefuseOwn;
  clock: StackClock;
}): Resource {
  function create(request: ApiRequest): { scheduleId: string } {
    const { destination: given, options: inQuery } = splitDestination(request, request.path.slice("schedules/".length));
    const options = { ...request.headers, ...inQuery };
    const isGroup = isGroupName(given);
    const destination = isGroup ? o.groups.find(given).name : readDestination(given);
    const nowMs = o.clock.now();
    const { callback, failureCallback } = readOptions(options, nowMs);
    o.refuseOwn(isGroup ? undefined : destination, callback?.url, failureCallback?.url);
    const cron = options["upstash-cron"]?.trim();
    if (cron === undefined) throw new ApiError(400, "Upstash-Cron is missing");
    const nextRunMs = parseCron(cron, nowMs);
    const scheduleId = options["upstash-schedule-id"] ?? `scd_${randomUUID().replaceAll("-", "")}`;
    if (!/^[A-Za-z0-9_.:-]{1,256}$/.test(scheduleId)) throw new ApiError(400, "invalid Upstash-Schedule-Id");
    const queueName = options["upstash-queue-name"];
    if (queueName !== undefined) o.queues.upsert(queueName);
    const { body, callerIp } = request;
    o.schedules.put(
      {
        scheduleId,
        cron,
        request: { destination, options, body, callerIp, ...(queueName !== undefined && { queueName }) },
      },
      nextRunMs,
    );
    return { scheduleId };
  }

  function stateOf(messageId: string): RunState {
    if (o.messages.get(messageId) !== undefined) return "IN_PROGRESS";
    const last = o.events.list().find(({ message }) => message.messageId === messageId);
    return last?.state === "DELIVERED" ? "SUCCESS" : "FAIL";
  }

  const view = (schedule: Schedule) => viewSchedule(schedule, stateOf);

  return (request) => {
    const { method, path } = request;
    if (path === "schedules" && method === "GET") return { status: 200, value: o.schedules.list().map(view) };
    // The SDK says PATCH, the documentation POST.
    const [, switched, action] = /^schedules\/([^/]+)\/(pause|resume)$/.exec(path) ?? [];
    if (switched !== undefined && (method === "PATCH" || method === "POST")) {
      o.schedules.setPaused(switched, action === "pause");
      return { status: 200 };
    }
    if (path.startsWith("schedules/") && method === "POST") return { status: 201, value: create(request) };
    const scheduleId = idIn(path, "schedules");
    if (scheduleId !== undefined && method === "GET") return { status: 200, value: view(o.schedules.find(scheduleId)) };
    if (scheduleId === undefined || method !== "DELETE") return undefined;
    o.schedules.remove(scheduleId);
    return { status: 200 };
  };
}

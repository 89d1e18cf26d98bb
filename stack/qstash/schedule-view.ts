import { parseDurationMs } from "./durations.ts";
import { viewLimits, viewRequestBody } from "./message-views.ts";
import { readOptions } from "./publish-options.ts";
import { redactHeader } from "./redaction.ts";
import type { Schedule } from "./schedules.ts";

export type RunState = "IN_PROGRESS" | "SUCCESS" | "FAIL";

/** A schedule as the API shows it; field names are QStash's. `stateOf` tells how a message of the last run is doing. */
export function viewSchedule(schedule: Schedule, stateOf: (messageId: string) => RunState): Record<string, unknown> {
  const { request } = schedule;
  const options = readOptions(request.options, schedule.createdAtMs);
  const delay = request.options["upstash-delay"];
  return {
    scheduleId: schedule.scheduleId,
    cron: schedule.cron,
    createdAt: schedule.createdAtMs,
    destination: request.destination,
    method: options.method,
    header: redactHeader(options.header, options.redaction),
    ...viewRequestBody(request.body, options.redaction),
    retries: options.maxRetries,
    ...(delay !== undefined && { delay: (parseDurationMs(delay) ?? 0) / 1_000 }),
    ...(options.retryDelayExpression !== undefined && { retryDelayExpression: options.retryDelayExpression }),
    ...(options.callback !== undefined && { callback: options.callback.url }),
    ...(options.failureCallback !== undefined && { failureCallback: options.failureCallback.url }),
    ...(options.labels.length > 0 && { label: options.labels[0], labels: options.labels }),
    ...(options.flowControl !== undefined && { flowControlKey: options.flowControl.key }),
    ...viewLimits(options.flowControl),
    ...(request.queueName !== undefined && { queueName: request.queueName }),
    callerIP: request.callerIp,
    isPaused: schedule.isPaused,
    ...(schedule.lastRunMs !== undefined && {
      lastScheduleTime: schedule.lastRunMs,
      lastScheduleStates: Object.fromEntries(schedule.lastMessageIds.map((id) => [id, stateOf(id)])),
    }),
    ...(schedule.nextRunMs !== undefined && { nextScheduleTime: schedule.nextRunMs }),
  };
}

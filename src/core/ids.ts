/**
 * Ids that we make, and the rule for ids that clients choose.
 *
 * Ids of ours start with a letter that says what they name, so that a wrong one is seen in a log. Clients may choose
 * the ids of conversations and messages (the AI SDK does); they are scoped to their user by the key, so they need to be
 * safe in a key and bounded, and nothing else.
 */
import type { Random } from "./ports.ts";
import { sha256Hex } from "./sha256.ts";

export function newRunId(random: Random): string {
  return `run_${hexUuid(random)}`;
}

/** Whose run an erasure is: a user whom nobody is, since everything of a user who is somebody goes. */
export function ownerOfErasure(erasureId: string): string {
  return erasureId.replace(/^run_/, "usr_");
}

export function newUserId(random: Random): string {
  return `usr_${hexUuid(random)}`;
}

export function newConversationId(random: Random): string {
  return `cnv_${hexUuid(random)}`;
}

export function newAgentId(random: Random): string {
  return `agt_${hexUuid(random)}`;
}

const agentIdPattern = /^agt_[0-9a-f]{32}$/;

export function isAgentId(value: unknown): value is string {
  return typeof value === "string" && agentIdPattern.test(value);
}

export function newScheduleId(random: Random): string {
  return `scd_${hexUuid(random)}`;
}

export function newMessageId(random: Random): string {
  return `msg_${hexUuid(random)}`;
}

/** Conversation and message ids: 1 to 128 characters of `[A-Za-z0-9_-]`, which no key separator or hash tag is part of. */
export const clientIdPattern = /^[A-Za-z0-9_-]{1,128}$/;

export function isClientId(value: unknown): value is string {
  return typeof value === "string" && clientIdPattern.test(value);
}

/** A user id as `newUserId` makes it. It stands inside a hash tag, so nothing else may pass. */
const userIdPattern = /^usr_[0-9a-f]{32}$/;

export function isUserId(value: unknown): value is string {
  return typeof value === "string" && userIdPattern.test(value);
}

/** The run id that belongs to a text, the same each time: for runs that must be started once. */
export async function derivedRunId(text: string): Promise<string> {
  return `run_${await derivedHex(text)}`;
}

/** The same for schedules. */
export async function derivedScheduleId(text: string): Promise<string> {
  return `scd_${await derivedHex(text)}`;
}

async function derivedHex(text: string): Promise<string> {
  return (await sha256Hex(text)).slice(0, 32);
}

const scheduleIdPattern = /^scd_[0-9a-f]{32}$/;

export function isScheduleId(value: unknown): value is string {
  return typeof value === "string" && scheduleIdPattern.test(value);
}

const runIdPattern = /^run_[0-9a-f]{32}$/;

export function isRunId(value: unknown): value is string {
  return typeof value === "string" && runIdPattern.test(value);
}

export function newExecutionId(random: Random): string {
  return `exe_${hexUuid(random)}`;
}

/** The id of a queued tool call that belongs to a text, the same each time. */
export async function derivedExecutionId(text: string): Promise<string> {
  return `exe_${await derivedHex(text)}`;
}

const executionIdPattern = /^exe_[0-9a-f]{32}$/;

export function isExecutionId(value: unknown): value is string {
  return typeof value === "string" && executionIdPattern.test(value);
}

function hexUuid(random: Random): string {
  return random.uuid().replaceAll("-", "");
}

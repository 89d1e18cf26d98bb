/**
 * Ids that we make, and the rule for ids that clients choose.
 *
 * Ids of ours start with a letter that says what they name, so that a wrong one is seen in a log. Clients may choose
 * the ids of conversations and messages (the AI SDK does); they are scoped to their user by the key, so they need to be
 * safe in a key and bounded, and nothing else.
 */
import type { Random } from "./ports.ts";

export function newRunId(random: Random): string {
  return `run_${hexUuid(random)}`;
}

export function newUserId(random: Random): string {
  return `usr_${hexUuid(random)}`;
}

export function newConversationId(random: Random): string {
  return `cnv_${hexUuid(random)}`;
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

function hexUuid(random: Random): string {
  return random.uuid().replaceAll("-", "");
}

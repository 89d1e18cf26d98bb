/**
 * Every bound of the Worker by name. A loop, list, wait, payload or text without a line here is a defect.
 * Units stand at the end of the name; a number without one is a count.
 */
const daySeconds = 24 * 60 * 60;

export const limits = {
  /** Body of any API request but chat. */
  bodyBytesMax: 64 * 1024,
  /** Chat bodies carry the client's whole history, of which only the last message is read. */
  chatBodyBytesMax: 256 * 1024,
  /** Text of one user message. */
  messageTextCharsMax: 32_000,
  /** Text of one answer; a model that does not stop is stopped here. */
  answerTextCharsMax: 200_000,

  conversationMessagesMax: 100,
  conversationTtlSeconds: 30 * daySeconds,
  conversationTitleCharsMax: 120,
  conversationsPerUserMax: 200,

  /**
   * The documents say 100. That counts whole messages and steps; with text deltas coalesced at 250 ms one answer of two
   * minutes alone is 480 events, and a reader that was away for it would be reset instead of resumed.
   */
  eventListMax: 1000,
  eventTtlSeconds: daySeconds,

  sessionTtlSeconds: 30 * daySeconds,
  sessionCookieCharsMax: 512,

  /** Model calls with tools in one turn. */
  toolStepsMax: 8,
  toolCallsPerStepMax: 8,
  toolInputCharsMax: 16_000,
  toolOutputBytesMax: 32 * 1024,
  toolErrorCharsMax: 2_000,
  toolTimeoutMs: 10_000,

  expressionCharsMax: 500,
  expressionDepthMax: 32,
  expressionNodesMax: 200,

  factKeyCharsMax: 80,
  factValueCharsMax: 2_000,
  factsPerAgentMax: 200,

  /** Until the first byte of a model answer; thinking models are slow. */
  modelFirstByteMsMax: 60_000,
  /** Between two chunks of a model answer. */
  modelIdleMsMax: 30_000,

  /** One Redis round trip; what takes longer is treated as lost. */
  redisTimeoutMs: 5_000,
  redisRetryAfterMs: 1_000,
  batchCommandsMax: 128,

  limiterWindowMs: 60_000,
  apiRequestsPerWindow: 100,
  chatTurnsPerWindow: 20,
  agentCreationsPerWindow: 5,

  requestIdCharsMax: 64,
} as const;

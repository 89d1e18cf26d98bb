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
  /** Of one page of messages. */
  messagesPageMax: 100,
  /** A summary with more entries behind it than this is written once more, before the list drops it. */
  summaryEntriesBehindMax: 60,
  summaryCharsMax: 4_000,
  summaryMsMax: 30_000,
  conversationTtlSeconds: 30 * daySeconds,
  conversationTitleCharsMax: 120,
  conversationsPerUserMax: 200,

  /**
   * The documents say 100. That counts whole messages and steps; with text deltas coalesced at 250 ms one answer of two minutes alone is 480 events, and a reader that
   * was away for it would be reset instead of resumed.
   */
  eventListMax: 1000,
  eventTtlSeconds: daySeconds,

  sessionTtlSeconds: 30 * daySeconds,
  sessionCookieCharsMax: 512,
  sessionsPerUserMax: 50,
  /** Of a token of the identity provider. */
  tokenCharsMax: 8 * 1024,
  keysPerUserMax: 20,
  keyNameCharsMax: 80,
  /** Secrets of one key that work at the same time: each rotation leaves one behind. */
  keySecretsMax: 4,
  keyDaysMax: 3 * 366,
  keyOverlapSecondsDefault: daySeconds,
  keyOverlapSecondsMax: 30 * daySeconds,
  ticketTtlMs: 60_000,

  /** Of one model call, from the request to its last word. */
  modelStepMsMax: 10 * 60 * 1000,
  /** Longer than any tool may take by itself. */
  toolStepMsMax: 60_000,
  /** Of a model call in a run of an agent, where nobody watches the words come. */
  modelRetries: 2,
  promptPartCharsMax: 24_000,
  agentStepsAtOnceMax: 8,
  /** Of what was said before a run in its conversation, as far as its agent is told. */
  agentConversationTokens: 3_000,
  /** Of one answer of the model to an agent: what is longer is cut. */
  agentAnswerCharsMax: 60_000,
  /** Of parameters in an event of an agent's run; in the journal they are whole. */
  eventPartCharsMax: 4_000,
  /** Of all results together in the output of an agent's run; in the journal they are whole. */
  agentResultsCharsMax: 100_000,
  agentResultCharsMax: 4_000,
  approvalReasonCharsMax: 500,
  approvalMsMax: 7 * daySeconds * 1000,
  /** Model calls with tools in one turn. */
  toolStepsMax: 8,
  toolCallsPerStepMax: 8,
  toolInputCharsMax: 16_000,
  toolOutputBytesMax: 32 * 1024,
  toolErrorCharsMax: 2_000,
  toolTimeoutMs: 10_000,
  /** One call with all its attempts. Twice this, for a call that waits for its twin first, stays below `toolStepMsMax`. */
  toolWholeMsMax: 25_000,
  /** Before the second attempt; doubled for each further one. */
  toolBackoffMs: 200,
  /** Beyond its longest time, until a call that did not end counts as dead. */
  toolLeaseSlackMs: 3_000,
  /** Until a call looks again whether its twin has ended; doubled each time. */
  toolLedgerPollMs: 100,
  /** As long as a run's journal lives, which may repeat a step. */
  toolLedgerTtlSeconds: 30 * daySeconds,

  /** A call's input, escaped, and what MCP puts around it. */
  mcpBodyBytesMax: 256 * 1024,
  /** Of a remote server, to one request. */
  mcpAnswerBytesMax: 512 * 1024,
  mcpConnectMsMax: 6_000,
  mcpCallMsMax: 12_000,
  /** Connecting and calling, and something around them. */
  mcpToolMsMax: 20_000,
  toolWaitSecondsMax: 20,
  reminderTextCharsMax: 1_000,
  urlCharsMax: 2_048,
  redirectsMax: 5,
  /** Of a document that a tool fetches, after decompression; of what is longer the rest is not read. */
  httpFetchBytesMax: 512 * 1024,

  toolQueueRetries: 3,
  toolQueueRetriesMax: 10,
  /** The order of a queued call: its parameters and who asked for it. */
  toolOrderBytesMax: 128 * 1024,
  deduplicationIdCharsMax: 128,
  /** Longer than the longest delay, so that a result can be read for a week. */
  executionTtlSeconds: 14 * daySeconds,
  deadExecutionsMax: 1_000,

  expressionCharsMax: 500,
  expressionDepthMax: 32,
  expressionNodesMax: 200,
  factKeyCharsMax: 80,
  factValueCharsMax: 2_000,
  /** Entries that a tool's search answers with. */
  factHitsMax: 8,
  knowledgeKeyCharsMax: 128,
  /** Of a value as JSON: a fact of the longest text fits in any script. */
  knowledgeValueBytesMax: 6 * 1024,
  knowledgeTagsMax: 16,
  knowledgeTagCharsMax: 64,
  /** Per agent: a search reads all of them; docs/memory.md has the measurements. */
  knowledgeEntriesMax: 1_000,
  knowledgePageMax: 100,
  knowledgeHitsMax: 50,
  knowledgeHitsDefault: 10,
  searchQueryCharsMax: 500,
  searchTokensMax: 32,

  /** Texts of one request to the embedding endpoint. */
  embeddingBatchMax: 64,
  /** Entries without a vector that one search catches up on; the next search goes on. */
  embeddingsPerSearchMax: 128,
  /** A thousand vectors of this length are 2.7 MB to read for a search. */
  embeddingDimensionsMax: 2_048,
  embeddingMsMax: 10_000,
  embeddingAnswerBytesMax: 8 * 1024 * 1024,

  /** Until the first byte of a model answer; thinking models are slow. */
  modelFirstByteMsMax: 60_000,
  /** Between two chunks of a model answer. */
  modelIdleMsMax: 30_000,

  /** One Redis round trip; what takes longer is treated as lost. */
  redisTimeoutMs: 5_000,
  /** Round trips that begin within so long share a timeout, and so may take so much longer. */
  redisTimeoutSharedMs: 250,
  redisRetryAfterMs: 1_000,
  batchCommandsMax: 128,

  limiterWindowMs: 60_000,
  apiRequestsPerWindow: 100,
  chatTurnsPerWindow: 20,
  agentCreationsPerWindow: 5,
  /** Callers over a limit that an isolate remembers, and as many sessions, keys and tickets that have ended. */
  blockedCallersMax: 1_000,

  requestIdCharsMax: 64,
  /** Steps whose outcomes a run's journal holds at once; turns of a loop that are over do not count. */
  runStepsMax: 10_000,
  loopTurnsMax: 1_000_000,
  /** Steps of one run under way at once: their results must fit into one request to Redis. */
  stepsAtOnceMax: 24,
  /** Records that wait for a flush; a loop whose turns do nothing writes many. */
  pendingRecordsMax: 256,
  stepNameCharsMax: 200,
  runInputBytesMax: 256 * 1024,
  stepResultBytesMax: 256 * 1024,
  eventPayloadBytesMax: 32 * 1024,
  /** Of a run's working memory. */
  memoryKeysMax: 64,
  memoryKeyCharsMax: 128,
  memoryValueBytesMax: 32 * 1024,
  /** How long after its end a run's working memory can be seen. */
  memoryShownMs: 60 * 60 * 1000,
  preferWaitMsMax: 25_000,
  exportPlaceCharsMax: 128,
  /** Of a user who is erased, at a time. */
  eraseRunsMax: 500,
  eraseScanCount: 1_000,
  /** A segment of the Free plan has 50 subrequests. */
  eraseScansMax: 8,
  eraseLooksMax: 20,
  /** Longer than any writer goes without a sign of life. */
  eraseSettleMs: 60_000,
  /** How long the answer to an erasure waits for the first look. */
  eraseAnswerMsMax: 20_000,
  runsPageMax: 20,
  /** Runs of a conversation that one event stream follows at once: a Worker has six connections at a time. */
  runsFollowedMax: 4,
  journalPageMax: 500,
  messageIdCharsMax: 256,
  callAnswerCharsMax: 200_000,
  runTtlSeconds: 30 * daySeconds,
  /** What a segment can read into its memory, several times over, of the 128 MB that an isolate has. */
  journalBytesMax: 16 * 1024 * 1024,
  /** A journal with more entries than this, of which more than half are of no use any more, is compacted when a segment opens. */
  compactAboveEntries: 512,
  /** Entries that a compaction leaves as they are, for readers who are a little behind. */
  compactKeepEntries: 128,
  snapshotBytesMax: 4 * 1024 * 1024,
  failureCharsMax: 2_000,

  stepRetriesDefault: 3,
  stepRetriesMax: 100,
  undoRetriesDefault: 8,
  stepBackoffMs: 1_000,
  stepBackoffMsMax: 60 * 60 * 1000,
  /** The longest that a step may ask to be left alone before its next attempt. */
  stepRetryAfterMsMax: daySeconds * 1000,
  stepTimeoutMs: 30_000,
  /** A wait up to this long is cheaper inside of the segment than by a message of the queue. */
  inlineWaitMsMax: 2_000,
  waitMsMax: 366 * daySeconds * 1000,

  /** Of the queue; a longer one is made of several. Source: QStash, the Free plan's 7 days. */
  queueDelayMsMax: 7 * daySeconds * 1000,
  /** Waits up to this long are told to the queue as such, longer ones by the time at which they end: clocks differ by seconds. */
  queueExactMs: 60_000,
  triggerRetries: 3,
  queueRetryMs: 200,
  queueRetryAfterMs: 2_000,
  triggerBodyBytesMax: 4 * 1024,
  /** A callback carries the whole answer and the whole request, in base64. Source: QStash, messages of 10 MB on pay-as-you-go. */
  callbackBodyBytesMax: 16 * 1024 * 1024,
  signatureCharsMax: 4_096,
  clockToleranceSeconds: 30,

  schedulesPerUserMax: 20,
  cronCharsMax: 100,
  timeZoneCharsMax: 64,
  /** Outcomes of firings that are kept with a schedule. */
  firingsKept: 20,
  /** Clocks differ: a firing that comes so much before its time is taken for punctual. */
  firingEarlyMsMax: 5_000,
  /** Attempts of a firing after the first, at the queue's own pace: 12 s, 2.5 min, 30 min. */
  firingRetries: 3,
  firingNotesMax: 5,

  callTimeoutMs: 15 * 60 * 1000,
  callPauseMs: 60 * 60 * 1000,
  signalsKeptMax: 100,
  /** Ids of signals that a run remembers, so as to take none of them twice. */
  signalIdsKeptMax: 1_000,
  signalPayloadBytesMax: 64 * 1024,

  /** Without a sign of life for this long a segment counts as dead. Several times `beatMs`. */
  leaseMs: 30_000,
  beatMs: 8_000,
  flushAttemptsMax: 3,
  publishMs: 250,
  /** Code that waits this long for something that is no step is parked. */
  codeStallMs: 10_000,
  deathsInARowMax: 3,
  /** Segments in a row that close without having got anywhere: many when a long wait is made of several and signals come that nobody waits for, but not without end. */
  idleSegmentsMax: 1_000,
  /** How long after the time at which a run should go on the sweep looks whether it did. */
  sweepSlackMs: 30_000,
  /** Until a run that was triggered is looked at again. */
  sweepAgainMs: 60_000,
  /** Until a run that cannot be read is looked at again. */
  sweepUnreadableMs: 60 * 60 * 1000,
  sweepRunsMax: 50,
  /** Journals that the sweep has in its memory at once. */
  sweepJournalsAtOnce: 5,
  /** However long a run has to wait: if a message or a write was lost that nobody thought of, the sweep finds out within a day. */
  sweepSilenceMsMax: daySeconds * 1000,
  childDepthMax: 8,

  /** Each run of them is a journal to be read whole. */
  deadLettersPageMax: 20,
  deadLetterCursorCharsMax: 256,
  redrivePerMinuteMax: 600,
  causeCharsMax: 600,
  /** Letters that one redrive looks at, in pages. */
  redrivePagesMax: 1_000,

  /** Messages that wait for QStash to be back, and of one of them. */
  outboxMessagesMax: 1_000,
  outboxMessageCharsMax: 256 * 1024,
  /** That one round of the sweep sends in one request: all are in its memory, and each that is refused there is sent once more by itself. */
  outboxDrainMax: 15,

  /** Of what an isolate remembers. */
  isolateCacheEntriesMax: 500,
  isolateCacheBytesMax: 2 * 1024 * 1024,
  cacheValueCharsMax: 256 * 1024,
  cacheTagsMax: 8,
  cacheTtlMsMax: daySeconds * 1000,
  /** After this long who computes a value counts as dead. */
  cacheLeaseMs: 15_000,
  /** How long the others wait before each computes it for itself. */
  cacheWaitMs: 5_000,
  cacheAskAgainMs: 100,
  /** How old the agent may be with which a run starts, where another isolate has changed it. */
  recentAgentMs: 5_000,
  modelListMsMax: 5_000,
  modelListBytesMax: 1024 * 1024,
  modelsListedMax: 1_000,
} as const;

/** Every bound of the local QStash. Production's depend on the plan; where they are not published the value is ours. */
export const messageBytesMax = 10 * 1024 * 1024;
export const batchBytesMax = 100 * 1024 * 1024;
export const batchItemCountMax = 10_000;
/** What is still read and thrown away so that a client which sent too much gets its answer and no broken pipe. */
export const discardedBytesMax = 256 * 1024 * 1024;
/**
 * Longer answers of a destination are cut; production cuts at the message size of the plan. The answer of a workflow whose
 * step threw holds the message twice, in the stack as well, and an error of 5 MB is to reach the failure function whole.
 */
export const responseBytesMax = 16 * 1024 * 1024;

const dayMs = 86_400_000;
export const delayMsMax = 90 * dayMs;
export const retryDelayMsMax = dayMs;
export const timeoutMsMax = dayMs;
export const timeoutMsDefault = 900_000;
export const retryCountDefault = 3;
export const retryCountMax = 1_000;

/** Source: the 10 minutes of the documentation; a comment in the SDK says 90 days. */
export const deduplicationWindowMs = 600_000;

export const eventCountMax = 10_000;
/** Of the bodies that the events show. */
export const eventBytesMax = 32 * 1024 * 1024;
export const deadLetterCountMax = 10_000;
export const pageCountDefault = 100;
export const pageCountMax = 1_000;

export const queueCountMax = 1_000;
export const queueParallelismMax = 100;

export const groupCountMax = 1_000;
export const groupEndpointCountMax = 1_000;

/** Beyond it keys that are idle and not pinned are forgotten. */
export const flowKeyCountMax = 10_000;
export const flowLimitMax = 1_000_000_000;
export const flowPeriodMsMax = 365 * dayMs;

export const scheduleCountMax = 1_000;

/** Every bound of the local Workflow, beside those of QStash. Production's depend on the plan; most of these are ours. */
export const runningRunCountMax = 100_000;
/** Beyond it the runs that ended first are forgotten, with their steps and dead letters. */
export const endedRunCountMax = 1_000;
export const stepCountMax = 10_000;
export const runIdCharactersMax = 256;

const dayMs = 86_400_000;
export const waitMsMax = 365 * dayMs;
export const waitTimeoutDefault = "7d";
export const eventIdCharactersMax = 1_024;
/** Notifications and webhook calls that a run has not waited for yet. */
export const storedEventCountMax = 1_000;

/** What is kept of failed deliveries for the logs: the newest so many of a step, and the beginning of each answer. */
export const failureCountMax = 100;
export const failureBodyBytesMax = 64 * 1024;

/** Source: OpenAPI of Workflow; a larger count is cut to it. */
export const logPageCountMax = 10;
export const deadLetterPageCountMax = 100;
export const deadLetterActionCountMax = 50;
export const cancelCountDefault = 100;

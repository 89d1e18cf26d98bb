/** Told on a conversation's channel when a run begins that belongs to it: `run <id>`. It is no record of the event list. */
export function formatRunNotice(runId: string): string {
  return `run ${runId}`;
}

/** The run's id, or `undefined` for what is no notice. */
export function parseRunNotice(text: string): string | undefined {
  return /^run ([A-Za-z0-9_-]{1,64})$/.exec(text)?.[1];
}

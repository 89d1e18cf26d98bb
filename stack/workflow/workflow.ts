/**
 * A local Upstash Workflow on top of the local QStash: what QStash asks of it, and its part of the API.
 * Source: the Workflow part of the protocol document.
 */
import type { StackClock } from "../clock.ts";
import type { Attempt } from "../qstash/attempt.ts";
import type { Ending } from "../qstash/callbacks.ts";
import type { Conclude } from "../qstash/conclude-message.ts";
import type { Dispatcher } from "../qstash/dispatcher.ts";
import type { MessageStore } from "../qstash/message-store.ts";
import type { RefuseOwn } from "../qstash/own-destination.ts";
import type { TakeForRun } from "../qstash/publish.ts";
import type { Resource } from "../qstash/route.ts";
import type { Storage } from "../storage/collection.ts";
import { createCalls } from "./calls.ts";
import { createHooksResource } from "./hooks-resource.ts";
import { createIntake } from "./intake.ts";
import { createInvocations } from "./invocations.ts";
import { createLogsResource } from "./logs-resource.ts";
import { createRunAttempt } from "./run-attempt.ts";
import { createRunDeadLettersResource } from "./run-dead-letters-resource.ts";
import { createRunFailures } from "./run-failures.ts";
import { createRunLog } from "./run-log.ts";
import { createRunMessages } from "./run-messages.ts";
import { createRunRetries } from "./run-retries.ts";
import { createRuns } from "./runs.ts";
import { createRunsResource } from "./runs-resource.ts";
import { createRunStore } from "./run-store.ts";
import { createTriggerResource } from "./trigger-resource.ts";
import { createWaits } from "./waits.ts";
import { createWaitsResource } from "./waits-resource.ts";
import { createWaitTimers } from "./wait-timers.ts";

export interface Workflow {
  takeForRun: TakeForRun;
  /** Delivers by `attempt` what belongs to no run, and to runs what they are to get. */
  attemptBy(attempt: Attempt): Attempt;
  /** For messages of runs alone. */
  conclude: Conclude;
  resources: Resource[];
  /** These need no token. */
  openResources: Resource[];
  /** Begins with the waits that the storage held, once. */
  takeUp(): void;
  /** Drops all timers. The records stay. */
  close(): void;
}

/** With the runs that the storage holds; `messages` holds what of theirs is on its way. */
export function createWorkflow(o: {
  clock: StackClock;
  storage: Storage;
  messages: MessageStore;
  dispatcher: Pick<Dispatcher, "accept" | "cancel">;
  refuseOwn: RefuseOwn;
  token: string;
  lazyFetchBytes: number | undefined;
  closing: AbortSignal;
}): Workflow {
  const { clock, dispatcher } = o;
  const { now } = clock;
  const store = createRunStore(o.storage);
  const timers = createWaitTimers(clock);
  const messages = createRunMessages({ dispatcher, existing: o.messages.list(), refuseOwn: o.refuseOwn, now });
  const runs = createRuns({ store, messages, timers, clock });
  const waits = createWaits({ store, runs, timers, clock });
  const calls = createCalls({ store, messages });
  const invocations = createInvocations({ store, runs, now });
  const failures = createRunFailures({ store, runs, messages, cancelMessage: dispatcher.cancel, clock });
  const retries = createRunRetries({ store, messages, clock });
  const log = createRunLog({ store, messages, now });
  function conclude(ending: Ending): void {
    const { message, isFailed } = ending;
    messages.forget(message);
    const run = store.get(message.run?.runKey ?? "");
    if (run === undefined || message.run === undefined) return;
    const { role } = message.run;
    if (role.kind === "failure") failures.concludeCall(run, ending);
    else if (role.kind === "call") calls.conclude(run, role.stepId, ending);
    else if (isFailed) failures.fail(run, ending);
  }

  return {
    takeForRun: createIntake({ runs, calls, invocations }),
    attemptBy: (attempt) =>
      createRunAttempt({ store, messages, attempt, lazyFetchBytes: o.lazyFetchBytes, closing: o.closing, now }),
    conclude(ending) {
      conclude(ending);
      return [];
    },
    resources: [
      createTriggerResource(runs),
      createRunsResource({ store, runs }),
      createWaitsResource({ store, waits }),
      createLogsResource({ store, log }),
      createRunDeadLettersResource({ store, failures, retries }),
    ],
    openResources: [createHooksResource({ store, waits, token: o.token })],
    takeUp: waits.takeUp,
    close: timers.close,
  };
}

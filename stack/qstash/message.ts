/**
 * A message as the stack keeps it: a plain record without behaviour, so that any store can hold it. Times are unix ms.
 * Only the dispatcher changes a record after it was made, and only `retried` and `notBeforeMs`.
 */
export interface Message {
  messageId: string;
  /** The destination exactly as it was given to publish: the `sub` claim of the signature must equal it byte for byte. */
  url: string;
  method: string;
  /** What is delivered besides the headers of QStash itself, by canonical name. */
  header: HeaderLists;
  body: Buffer;
  /** Failed deliveries so far. */
  retried: number;
  maxRetries: number;
  /** Milliseconds as an expression over `retried`; absent means the default schedule. */
  retryDelayExpression?: string;
  timeoutMs: number;
  notBeforeMs: number;
  createdAtMs: number;
  callerIp: string;
  labels: readonly string[];
  callback?: CallbackTarget;
  failureCallback?: CallbackTarget;
  flowControl?: FlowControl;
  redaction?: Redaction;
  /** The URL group that the message was sent to, and the name of this endpoint in it. */
  topicName?: string;
  endpointName?: string;
  queueName?: string;
  scheduleId?: string;
  run?: RunPart;
}

/** What makes a message part of a workflow run. It is carried along here; only stack/workflow acts on it. */
export interface RunPart {
  /** Names the record of the run: a run id may be used again after the end of its run. */
  runKey: string;
  runId: string;
  runUrl: string;
  runCreatedAtMs: number;
  role: RunRole;
}

export type RunRole =
  /** Delivers the accepted steps of the run, up to and including the one at `index`. */
  | { kind: "step"; index: number }
  /** A request of the run to somebody else. */
  | { kind: "call"; stepId: number }
  /** Brings the outcome of a call to the run. */
  | { kind: "call-result"; stepId: number }
  /** Tells of the failure of the run. */
  | { kind: "failure" };

export type HeaderLists = Record<string, string[]>;

/** Where the outcome goes: a destination and the publish options of that second message, names in lower case. */
export interface CallbackTarget {
  url: string;
  options: Record<string, string>;
}

/** What the API hides when it shows the message. */
export interface Redaction {
  isBodyHidden: boolean;
  /** By canonical name. */
  hiddenHeaders: "all" | readonly string[];
}

export interface FlowControl {
  key: string;
  parallelism?: number;
  rate?: number;
  periodSeconds: number;
}

/** What a destination answered, or why there was no answer. */
export interface Outcome {
  /** 0 when no response arrived. */
  status: number;
  header: HeaderLists;
  body: Buffer;
  /** Why it is a failure, where its status does not say it: nothing was answered, or the wrong kind of answer. */
  error?: string;
  /** The failure is one that no retry can mend. */
  isFinal?: true;
}

/** A message that failed for good, with its last outcome. */
export interface DeadLetter {
  dlqId: string;
  failedAtMs: number;
  message: Message;
  outcome: Outcome;
}

export type EventState =
  | "CREATED"
  | "ACTIVE"
  | "DELIVERED"
  | "ERROR"
  | "RETRY"
  | "FAILED"
  | "CANCEL_REQUESTED"
  | "CANCELED";

export interface MessageEvent {
  timeMs: number;
  state: EventState;
  message: Message;
  outcome?: Outcome;
  nextDeliveryMs?: number;
}

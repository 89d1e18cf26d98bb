/**
 * The records of workflow runs: plain values without behaviour, so that any collection can hold them. Times are unix ms.
 * Source: protocol document, C.1.
 */
import type { CallbackTarget, HeaderLists, Message, Outcome } from "../qstash/message.ts";
import type { Options } from "../qstash/publish-options.ts";

export type RunState = "RUN_STARTED" | "RUN_SUCCESS" | "RUN_FAILED" | "RUN_CANCELED";

export interface Run {
  /** `<runId>@<createdAtMs>`: an id may be used again after the end of its run, the two together never are. */
  key: string;
  runId: string;
  url: string;
  createdAtMs: number;
  state: RunState;
  callerIp: string;
  /** Publish options that hold for all messages of the run. */
  options: Options;
  /** The headers of the user, which go with every delivery to the run. */
  header: HeaderLists;
  failureCallback?: CallbackTarget;
  /** What a success of the first delivery must carry, to show that a workflow answered. */
  proof?: Proof;
  invoker?: Invoker;
  /** Present once the run is over. */
  ending?: RunEnding;
  failureCall?: FailureCall;
}

export type Proof = "Upstash-Workflow-Sdk-Version" | "Upstash-Workflow-Sdk";

/** The open step of another run that waits for the end of this one. */
export interface Invoker {
  runKey: string;
  runId: string;
  runUrl: string;
  runCreatedAtMs: number;
  stepId: number;
}

export interface RunEnding {
  atMs: number;
  /** What the run returned: JSON, exactly as the SDK sent it. */
  response?: string;
  dlqId?: string;
  /** By message id: what had not been delivered when the run ended. */
  unfinished: Record<string, "STEP_FAILED" | "STEP_CANCELED">;
}

/** Whether somebody could be told of the failure of the run. */
export interface FailureCall {
  messageId: string;
  url: string;
  state: "CALLBACK_INPROGRESS" | "CALLBACK_SUCCESS" | "CALLBACK_FAIL" | "CALLBACK_CANCELED";
  /** What it tells of. */
  told: Outcome;
  response?: Outcome;
  failures: FailedAttempt[];
}

export interface StepHead {
  /** 0 for the first step, and for a plan: the announcement of a step that runs beside others. */
  stepId: number;
  stepName: string;
  stepType: string;
  /** How many steps run side by side; 1 for a step by itself. */
  concurrent: number;
  /** In a plan the id of the step that it announces. */
  targetStep?: number;
}

/** A step that was accepted; number 0 is the initial payload. */
export interface Step {
  runKey: string;
  index: number;
  head: StepHead;
  /** The message that delivers the run up to this step, and its destination. */
  messageId: string;
  url: string;
  /** The initial payload at index 0, else JSON as the SDK submitted it. */
  body: Buffer;
  /** What is delivered with it, besides the headers of QStash itself. */
  header: HeaderLists;
  maxRetries: number;
  retryDelayExpression?: string;
  createdAtMs: number;
  /** The end of its sleep. */
  notBeforeMs: number;
  /** What brought its result, where that was not the endpoint itself, and the attempts at it. */
  work?: Work;
  workFailures?: FailedAttempt[];
  /** Attempts to deliver the message. */
  failures?: FailedAttempt[];
}

/** A step that was begun and has no result yet. */
export interface OpenStep {
  runKey: string;
  head: StepHead;
  state: "STEP_PROGRESS" | "STEP_SUCCESS" | "STEP_FAILED" | "STEP_CANCELED";
  createdAtMs: number;
  work: Work;
  /** The result of an invocation that nobody waits for any more. */
  out?: string;
  failures?: FailedAttempt[];
}

export type Work = CallWork | WaitWork | InvokeWork;

export interface CallWork {
  kind: "call";
  messageId: string;
  url: string;
  method: string;
  header: HeaderLists;
  body: Buffer;
  maxRetries: number;
  /** The third party has answered; its answer is on the way to the run. */
  isReturning: boolean;
}

export interface WaitWork {
  kind: "wait";
  eventId: string;
  timeout: string;
  deadlineMs: number;
  delivery: ResultDelivery;
  timeoutUrl?: string;
  timeoutBody?: unknown;
  timeoutHeaders?: unknown;
}

export interface InvokeWork {
  kind: "invoke";
  childId: string;
  childUrl: string;
  childCreatedAtMs: number;
  header: HeaderLists;
  body: Buffer;
  delivery: ResultDelivery;
}

/** How to deliver the result of a step to the run, once somebody else has brought it. */
export interface ResultDelivery {
  url: string;
  options: Options;
  callerIp: string;
}

/** A notification or webhook call that came before its wait. */
export interface StoredEvent {
  runKey: string;
  number: number;
  eventId: string;
  out: string;
}

export interface FailedAttempt {
  error: string;
  status: number;
  header: HeaderLists;
  body: string;
  timeMs: number;
}

/** A run that failed, with the message that could not be delivered. */
export interface RunDeadLetter {
  dlqId: string;
  runKey: string;
  failedAtMs: number;
  message: Message;
  outcome: Outcome;
}

export function isRunning(run: Run | undefined): run is Run & { state: "RUN_STARTED" } {
  return run?.state === "RUN_STARTED";
}

/** The messages of workflow runs on their way: how they are made, and which of a run there are. Source: protocol document, C.3. */
import type { Dispatcher } from "../qstash/dispatcher.ts";
import type { HeaderLists, Message, RunRole } from "../qstash/message.ts";
import type { RefuseOwn } from "../qstash/own-destination.ts";
import { newMessageId } from "../qstash/publish.ts";
import { readOptions, type Options } from "../qstash/publish-options.ts";
import type { Run } from "./run.ts";

export interface RunMessages {
  /** A message that is not sent yet. @throws ApiError 400 or 412 for one that cannot be. */
  plan(plan: RunMessagePlan): Message;
  send(message: Message): void;
  /** The message has ended by itself. */
  forget(message: Message): void;
  /** Takes it back. An attempt under way is not called off; its outcome counts for nothing. */
  cancel(message: Message): void;
  /** What of the run has not ended, except the call that tells of its failure. */
  pendingOf(runKey: string): Message[];
  setUnderWay(messageId: string, isUnderWay: boolean): void;
  isUnderWay(messageId: string): boolean;
}

export interface RunMessagePlan {
  run: Run;
  role: RunRole;
  url: string;
  /** All options that count for the message. */
  options: Options;
  /** Delivered too, unless the options say otherwise. */
  header?: HeaderLists;
  body: Buffer;
  callerIp: string;
}

/** `existing` are the messages that there are already. */
export function createRunMessages(o: {
  dispatcher: Pick<Dispatcher, "accept" | "cancel">;
  existing: readonly Message[];
  refuseOwn: RefuseOwn;
  now: () => number;
}): RunMessages {
  const pending = new Map<string, Set<Message>>();
  const underWay = new Set<string>();
  o.existing.forEach(index);

  function index(message: Message): void {
    const { run } = message;
    if (run === undefined || run.role.kind === "failure") return;
    pending.set(run.runKey, (pending.get(run.runKey) ?? new Set()).add(message));
  }

  function forget(message: Message): void {
    const runKey = message.run?.runKey ?? "";
    const ofRun = pending.get(runKey);
    ofRun?.delete(message);
    if (ofRun?.size === 0) pending.delete(runKey);
  }

  function plan({ run, role, url, options, header, body, callerIp }: RunMessagePlan): Message {
    const createdAtMs = o.now();
    const configured = readOptions(options, createdAtMs);
    o.refuseOwn(url, configured.callback?.url, configured.failureCallback?.url, run.failureCallback?.url);
    return {
      messageId: newMessageId(),
      url,
      body,
      callerIp,
      createdAtMs,
      retried: 0,
      ...configured,
      header: { ...header, ...configured.header, ...(role.kind !== "call" && protocolHeader(run, role)) },
      run: { runKey: run.key, runId: run.runId, runUrl: run.url, runCreatedAtMs: run.createdAtMs, role },
    };
  }

  return {
    plan,
    send(message) {
      index(message);
      o.dispatcher.accept(message);
    },
    forget,
    cancel(message) {
      forget(message);
      o.dispatcher.cancel(message.messageId);
    },
    pendingOf: (runKey) => [...(pending.get(runKey) ?? [])],
    setUnderWay: (messageId, isUnderWay) => void (isUnderWay ? underWay.add(messageId) : underWay.delete(messageId)),
    isUnderWay: (messageId) => underWay.has(messageId),
  };
}

const callTypes = { step: "step", call: "toCallback", "call-result": "fromCallback", failure: "failureCall" };

const protocolNames = new Set(
  ["Runid", "Url", "Createdat", "Init", "Calltype"].map((name) => `Upstash-Workflow-${name}`),
);

/** Whether the header tells the endpoint what its delivery is, and was not sent along by anybody. */
export function isProtocolHeader(name: string): boolean {
  return protocolNames.has(name);
}

/** In Go's canonical form, as production sends them. */
function protocolHeader(run: Run, role: RunRole): HeaderLists {
  const isFirst = role.kind === "step" && role.index === 0;
  return {
    "Upstash-Workflow-Runid": [run.runId],
    "Upstash-Workflow-Url": [run.url],
    "Upstash-Workflow-Createdat": [String(run.createdAtMs)],
    "Upstash-Workflow-Init": [String(isFirst)],
    "Upstash-Workflow-Calltype": [callTypes[role.kind]],
  };
}

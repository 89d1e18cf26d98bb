/**
 * Upstash's Redis REST API over any Redis: who may ask, what was asked, what comes back, and which fault is due.
 *
 * 1. Every answer but a stream is JSON (or RESP2, if asked for), errors included, and has a new sync token.
 * 2. Nothing that a client sends ends the process or reaches another client's connection.
 * 3. A request is one round trip in the ledger, whatever becomes of it; its commands are billed when they are given to Redis.
 *
 * Not here: replicas (the sync token is a counter, nobody waits for it), quotas, users and their tokens (`ACL RESTTOKEN`).
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { FaultBook, FaultRule } from "../faults.ts";
import type { Ledger } from "../ledger.ts";
import { accessOf } from "./access.ts";
import type { Access } from "./access.ts";
import { commandAnswer, commandsAnswer, errorAnswer, replyFormatOf, writeAnswer, writeTruncated } from "./answer.ts";
import type { Answer, ReplyFormat } from "./answer.ts";
import { openBackend } from "./backend.ts";
import { loadCommandTable } from "./command-table.ts";
import { streamEvents, streamRefusal } from "./event-stream.ts";
import { createExecutor } from "./execute.ts";
import type { Executor } from "./execute.ts";
import { readBody, REQUEST_BYTES_MAX } from "./read-body.ts";
import { isStreamCommand } from "./refusals.ts";
import { readRequest } from "./request.ts";
import type { RedisRequest } from "./request.ts";
import { ErrorReply } from "./resp.ts";
import { createScriptBook } from "./scripts.ts";

export interface RedisFront {
  /** Expects the path without the front's own prefix, so that `/` or nothing is the root. */
  handle(request: IncomingMessage, response: ServerResponse): void;
  close(): Promise<void>;
}

export interface RedisFrontOptions {
  /** Absent: a database inside this process. */
  redisUrl?: string;
  /** Where the database inside this process keeps its data; without it, it begins empty and forgets everything. */
  snapshotFile?: string;
  token: string;
  readOnlyToken?: string;
  faults: FaultBook;
  ledger: Ledger;
}

const METHODS = ["HEAD", "GET", "POST", "PUT"];

/** @throws Error when the Redis at `redisUrl` cannot be reached. */
export async function startRedisFront(options: RedisFrontOptions): Promise<RedisFront> {
  const { faults, ledger } = options;
  const backend = await openBackend(options.redisUrl, options.snapshotFile);
  const table = await loadCommandTable(backend);
  const executor = createExecutor({ backend, table, scripts: createScriptBook(), ledger });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "GET", url = "/", headers } = request;
    const [path, query] = splitOnce(url, "?");
    if (!METHODS.includes(method)) return writeAnswer(response, notAllowed);
    const access = accessOf(headers, query, options);
    if (access === "none") return writeAnswer(response, errorAnswer(401, "WRONGPASS invalid or missing auth token"));
    ledger.roundTrip();
    const body = await readBody(request);
    if (body === undefined) return writeAnswer(response, tooLarge);
    const asked = readRequest({ method, path: path === "" ? "/" : path, query, body });
    const fault = faults.list().length > 0 ? faults.take("redis", `${method} ${url}\n${body.toString()}`) : undefined;
    await answerWithFault({ request, response, asked, access }, fault);
  }

  async function answerWithFault(call: Call, fault: FaultRule | undefined): Promise<void> {
    const { response } = call;
    if (fault?.action === "drop-before") return void response.destroy();
    if (fault?.action === "status") return writeAnswer(response, faultAnswer(fault));
    if (fault?.action === "delay") await delay(fault.delayMs ?? 0);
    if (await streamed(call, fault)) return;
    let answer = await answerOnce(call, executor);
    // The client sees the second answer, as it would after it had lost the first and tried again.
    if (fault?.action === "duplicate") answer = await answerOnce(call, executor);
    if (fault?.action === "drop-after") return void response.destroy();
    if (fault?.action === "truncate") return writeTruncated(response, answer, fault.truncateBytes ?? 0);
    writeAnswer(response, answer);
  }

  /** False if the request asks for no stream. */
  async function streamed({ request, response, asked, access }: Call, fault: FaultRule | undefined): Promise<boolean> {
    if (asked.kind !== "command" || !isStreamCommand(asked.command)) return false;
    const { command } = asked;
    const refused = streamRefusal(command, request.headers.accept);
    if (refused !== undefined || access === "read-only") {
      writeAnswer(response, errorAnswer(400, refused?.text ?? "NOPERM this token may not open streams"));
      return true;
    }
    executor.bill(command);
    const isCut = fault?.action === "truncate" || fault?.action === "drop-after";
    await streamEvents(backend, command, response, isCut ? (fault.truncateBytes ?? 0) : undefined);
    return true;
  }

  return {
    handle(request, response) {
      serve(request, response).catch((cause: unknown) => {
        if (response.headersSent) return response.destroy();
        const text = cause instanceof Error ? cause.message : "unknown failure";
        writeAnswer(response, errorAnswer(503, `ERR the local Redis did not answer: ${text}`));
      });
    },
    close: () => backend.close(),
  };
}

interface Call {
  request: IncomingMessage;
  response: ServerResponse;
  asked: RedisRequest;
  access: Access;
}

const notAllowed: Answer = { ...errorAnswer(405, "ERR method not allowed"), headers: { Allow: METHODS.join(", ") } };
const tooLarge = errorAnswer(400, `ERR max request size exceeded. Limit: ${REQUEST_BYTES_MAX} bytes`);

async function answerOnce({ request, asked, access }: Call, executor: Executor): Promise<Answer> {
  if (asked.kind === "malformed") return errorAnswer(400, asked.error);
  const format = replyFormatOf(request.headers, asked.kind === "transaction");
  if (format instanceof ErrorReply) return errorAnswer(400, format.text);
  return executed(asked, access === "read-write", format, executor);
}

async function executed(
  asked: Exclude<RedisRequest, { kind: "malformed" }>,
  mayWrite: boolean,
  format: ReplyFormat,
  executor: Executor,
): Promise<Answer> {
  switch (asked.kind) {
    case "command": {
      const [reply = null] = await executor.pipeline([asked.command], mayWrite);
      return commandAnswer(reply, format);
    }
    case "pipeline":
      return commandsAnswer(await executor.pipeline(asked.commands, mayWrite), format);
    case "transaction": {
      const replies = await executor.transaction(asked.commands, mayWrite);
      return replies instanceof ErrorReply ? errorAnswer(400, replies.text) : commandsAnswer(replies, format);
    }
  }
}

function faultAnswer(fault: FaultRule): Answer {
  const answer = errorAnswer(fault.status ?? 500, "ERR this failure was asked for");
  return { ...answer, ...(fault.body === undefined ? {} : { body: fault.body }), headers: fault.headers ?? {} };
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}

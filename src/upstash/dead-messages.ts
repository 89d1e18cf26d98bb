/** QStash's list of dead letters. Whose a message is, its label says: each of ours carries the id of its user. */
import type { Client } from "@upstash/qstash";
import { AppError } from "../core/errors.ts";
import { isUserId } from "../core/ids.ts";
import type { DeadLetter, Whose } from "../ops/dead-letter.ts";
import type { DeadMessages } from "../ops/dead-messages.ts";
import { billedOnce, officialClient, refused, statusOf, type QstashOptions } from "./qstash.ts";

export interface DeadMessagesOptions extends QstashOptions {
  /** Other apps may share the account: what is neither labelled by us nor sent to us is not ours. */
  readonly appUrl: string;
}

type Listed = Awaited<ReturnType<Client["dlq"]["listMessages"]>>["messages"][number];

export function qstashDeadMessages(options: DeadMessagesOptions): DeadMessages {
  const { meter, appUrl } = options;
  const { dlq } = officialClient(options);

  async function ask<T>(call: () => Promise<T>, errorOf = refused): Promise<T> {
    meter.subrequests += 1;
    try {
      return await call();
    } catch (cause) {
      throw errorOf(cause);
    }
  }

  const isOurs = (letter: DeadLetter, message: Listed): boolean =>
    letter.userId !== undefined || message.url.startsWith(`${appUrl}/`);

  async function find(whose: Whose, id: string): Promise<Listed | undefined> {
    const dlqId = /^dlq_([\w-]{1,128})$/.exec(id)?.[1];
    if (dlqId === undefined) return undefined;
    const { messages } = await ask(() => dlq.listMessages({ dlqIds: [dlqId] }));
    const letters = messages.map((message) => ({ letter: letterOf(message, appUrl), message }));
    const found = letters.find(({ letter, message }) => letter.id === id && isOurs(letter, message));
    if (found === undefined) return undefined;
    return whose === "all" || found.letter.userId === whose.userId ? found.message : undefined;
  }

  /** @returns how many; none of what somebody else took meanwhile. */
  async function take(act: () => Promise<number>): Promise<number> {
    meter.subrequests += 1;
    try {
      return await act();
    } catch (cause) {
      if (statusOf(cause) === 404) return 0;
      throw refused(cause);
    }
  }

  return {
    async page(whose, { cursor, count }) {
      const filter = whose === "all" ? {} : { filter: { label: whose.userId } };
      const at = cursor === undefined ? {} : { cursor };
      const { messages, cursor: next } = await ask(
        () => dlq.listMessages({ count, ...at, ...filter }),
        cursor === undefined ? refused : refusedPage,
      );
      const letters = messages.map((message) => ({ letter: letterOf(message, appUrl), message }));
      return {
        letters: letters.filter(({ letter, message }) => isOurs(letter, message)).map(({ letter }) => letter),
        ...(next === undefined || next === "" ? {} : { next }),
      };
    },
    async retry(whose, id) {
      const found = await find(whose, id);
      if (found === undefined) return false;
      const sent = await take(async () => (await dlq.retry([found.dlqId])).responses.length);
      meter.messages += sent * billedOnce(found);
      return sent > 0;
    },
    async remove(whose, id) {
      const found = await find(whose, id);
      return found !== undefined && (await take(async () => (await dlq.delete([found.dlqId])).deleted)) > 0;
    },
  };
}

/** All else that we ask of a page is our own: what QStash does not understand is the cursor, which came from outside. */
function refusedPage(cause: unknown): AppError {
  if (statusOf(cause) !== 400) return refused(cause);
  return new AppError("invalid_cursor", "`cursor` must be a place that this list gave out.", { cause });
}

function letterOf(message: Listed, appUrl: string): DeadLetter {
  const { pathname, origin } = URL.parse(message.url) ?? { pathname: "", origin: message.url };
  const what = message.url.startsWith(`${appUrl}/`) ? pathname : origin;
  const status = message.responseStatus ?? 0;
  const text = status === 0 ? `${what} did not answer.` : `${what} answered with status ${status}.`;
  return {
    id: `dlq_${message.dlqId}`,
    kind: "message",
    userId: userIn(message),
    failedAt: failedAtOf(message),
    what,
    cause: { key: `message:${what}:${status}`, text },
    messageId: message.messageId,
  };
}

function userIn(message: Listed): string | undefined {
  const { labels, label } = message as { readonly labels?: readonly string[]; readonly label?: string };
  return [...(labels ?? []), ...(label === undefined ? [] : [label])].find(isUserId);
}

/** The list has no time of failure; its ids begin with it. Source: protocol of the list, "DLQ `<ms>-<n>`". */
function failedAtOf({ dlqId, createdAt }: Listed): number {
  const atMs = Number(dlqId.split("-")[0]);
  return Number.isSafeInteger(atMs) && atMs > createdAt ? atMs : createdAt;
}

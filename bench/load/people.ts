/**
 * The people of the load run, as a program: each has a session and one conversation, and in turn each says something in it. The first of them watch theirs over SSE, too.
 *
 * Turns begin by the clock, not when the one before has ended, so a slow server meets as many as a fast one; what is late counts from the time at which it was due.
 * Prints `saw {…}` at the end.
 */
import { setTimeout as wait } from "node:timers/promises";
import { createParser } from "eventsource-parser";

interface Crowd {
  readonly url: string;
  readonly seconds: number;
  readonly viewers: number;
  readonly turnsPerSecond: number;
  /** That the model is asked to say. */
  readonly words: number;
}

export interface PeopleReport {
  /** How often each thing happened: `completed`, `limited`, `busy`, or what went wrong, in words. */
  readonly turns: Readonly<Record<string, number>>;
  readonly views: Readonly<Record<string, number>>;
  /** From when a turn was due. */
  readonly firstTextMs: readonly number[];
  readonly wholeMs: readonly number[];
  /** Whole answers in conversations that were watched, and how many of their ends the viewers saw. */
  readonly watched: number;
  readonly endings: number;
  /** Of all kinds, that viewers read. */
  readonly events: number;
  readonly cpuMs: number;
}

interface Person {
  readonly cookie: string;
  readonly conversationId: string;
  readonly isWatching: boolean;
  isAnswering: boolean;
}

const { url, seconds, viewers, turnsPerSecond, words } = JSON.parse(process.argv[2] ?? "") as Crowd;
const signInsAtOnce = 20;
/** Long enough that nobody has to speak before their answer has ended. */
const turnEverySeconds = 20;
const reconnectMs = 1_000;
/** Viewers stay this long after the last answer, to see its end. */
const lingerMs = 3_000;
const answerMsMax = 30_000;

const turns: Record<string, number> = {};
const views: Record<string, number> = {};
const firstTextMs: number[] = [];
const wholeMs: number[] = [];
let watched = 0;
let endings = 0;
let events = 0;

const people = await signInAll();
const leaving = new AbortController();
const watching = people.filter(({ isWatching }) => isWatching).map((person) => watch(person, leaving.signal));
await talk();
await wait(lingerMs);
leaving.abort();
await Promise.all(watching);
const { user, system } = process.cpuUsage();
const report: PeopleReport = {
  turns,
  views,
  firstTextMs,
  wholeMs,
  watched,
  endings,
  events,
  cpuMs: (user + system) / 1_000,
};
process.stdout.write(`saw ${JSON.stringify(report)}\n`, () => process.exit());

async function signInAll(): Promise<Person[]> {
  const signedIn: Person[] = [];
  const wanted = Math.max(viewers, turnsPerSecond * turnEverySeconds);
  while (signedIn.length < wanted) {
    const batch = Array.from({ length: Math.min(signInsAtOnce, wanted - signedIn.length) }, (_, index) => {
      return signIn(signedIn.length + index < viewers);
    });
    signedIn.push(...(await Promise.all(batch)));
  }
  return signedIn;
}

async function signIn(isWatching: boolean): Promise<Person> {
  const response = await fetch(`${url}/api/sessions`, { method: "POST" });
  if (response.status !== 201) throw new Error(`no session: ${response.status} ${await response.text()}`);
  await response.arrayBuffer();
  const cookie = response.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  return { cookie, conversationId: "talk", isWatching, isAnswering: false };
}

/** Begins every turn at its time, and resolves when all are answered. */
async function talk(): Promise<void> {
  const answers: Promise<void>[] = [];
  const startedAtMs = performance.now();
  for (let number = 0; number < seconds * turnsPerSecond; number += 1) {
    const dueAtMs = startedAtMs + (number * 1_000) / turnsPerSecond;
    if (dueAtMs > performance.now()) await wait(dueAtMs - performance.now());
    const person = freePerson(number);
    // A person waits for the answer before saying more.
    if (person === undefined) count(turns, "busy");
    else answers.push(say(person, number, dueAtMs));
  }
  await Promise.all(answers);
}

function freePerson(number: number): Person | undefined {
  const from = number % people.length;
  return [...people.slice(from), ...people.slice(0, from)].find(({ isAnswering }) => !isAnswering);
}

async function say(person: Person, number: number, dueAtMs: number): Promise<void> {
  person.isAnswering = true;
  try {
    count(turns, await turn(person, number, dueAtMs));
  } catch (error) {
    count(turns, wordsOf(error));
  } finally {
    person.isAnswering = false;
  }
}

async function turn(person: Person, number: number, dueAtMs: number): Promise<string> {
  const text = `Say: ${Array.from({ length: words }, (_word, index) => `word-${number + index}`).join(" ")}`;
  const message = { id: `m-${number}`, role: "user", parts: [{ type: "text", text }] };
  const response = await fetch(`${url}/api/chat`, {
    method: "POST",
    headers: { cookie: person.cookie, "content-type": "application/json" },
    body: JSON.stringify({ id: person.conversationId, trigger: "submit-message", messages: [message] }),
    signal: AbortSignal.timeout(answerMsMax),
  });
  if (response.status !== 200) return refusalOf(response);
  let outcome = "cut before its end";
  let hasText = false;
  await readEvents(response, ({ data }) => {
    if (data === "[DONE]") return;
    const { type } = JSON.parse(data) as { type: string };
    if (type === "text-delta" && !hasText) {
      hasText = true;
      firstTextMs.push(performance.now() - dueAtMs);
    }
    if (type === "error") outcome = "ended with an error";
    if (type === "finish") outcome = hasText ? "completed" : "ended without text";
  });
  if (outcome === "completed") {
    wholeMs.push(performance.now() - dueAtMs);
    if (person.isWatching) watched += 1;
  }
  return outcome;
}

/** Stays on the conversation's events, and comes back as a browser does when the stream ends. */
async function watch(person: Person, signal: AbortSignal): Promise<void> {
  let lastId = "";
  while (!signal.aborted) {
    try {
      const response = await fetch(`${url}/api/conversations/${person.conversationId}/events`, {
        headers: { cookie: person.cookie, ...(lastId === "" ? {} : { "last-event-id": lastId }) },
        signal,
      });
      count(views, response.status === 200 ? "opened" : await refusalOf(response));
      if (response.status === 200) {
        await readEvents(response, ({ id, event }) => {
          lastId = id ?? lastId;
          events += 1;
          if (event === "workflow-completed") endings += 1;
        });
        count(views, "ended by the server");
      }
    } catch (error) {
      if (signal.aborted) return;
      count(views, wordsOf(error));
    }
    await wait(reconnectMs, undefined, { signal }).catch(() => undefined);
  }
}

/** `limited` for the refusal that is documented, with the time after which to come back. */
async function refusalOf(response: Response): Promise<string> {
  const { code } = (await response.json().catch(() => ({}))) as { code?: string };
  if (response.status === 429 && code === "rate_limited" && response.headers.has("Retry-After")) return "limited";
  return `${response.status} ${code ?? "without a code"}`;
}

async function readEvents(
  response: Response,
  take: (event: { id?: string | undefined; event?: string | undefined; data: string }) => void,
): Promise<void> {
  const parser = createParser({ onEvent: take });
  const decoder = new TextDecoder();
  for await (const bytes of response.body ?? []) parser.feed(decoder.decode(bytes, { stream: true }));
}

function count(into: Record<string, number>, what: string): void {
  into[what] = (into[what] ?? 0) + 1;
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

/** The event stream of a conversation, kept as it comes. */
import { createParser } from "eventsource-parser";

export interface DemoEvent {
  id: string;
  type: string;
  data: Record<string, unknown>;
}

export interface EventLog {
  events: DemoEvent[];
  /** Resolves when `count` events of this type came. @throws Error after 30 s, or when the stream ended without them. */
  waitFor(type: string, count: number): Promise<void>;
  close(): void;
}

const EVENT_WAIT_MS_MAX = 30_000;

/** @param open sends the request; the signal ends it. */
export function keepEvents(open: (signal: AbortSignal) => Promise<Response>): EventLog {
  const events: DemoEvent[] = [];
  const ended = new AbortController();
  const waits = new Set<() => void>();
  let isOver = false;
  const lookAgain = (): void => {
    for (const look of waits) look();
  };
  const parser = createParser({
    onEvent({ id = "", event = "", data }) {
      events.push({ id, type: event, data: JSON.parse(data) as Record<string, unknown> });
      lookAgain();
    },
  });

  async function read(): Promise<void> {
    try {
      for await (const text of textOf(await open(ended.signal))) parser.feed(text);
    } catch (cause) {
      if (!ended.signal.aborted) console.error("The event stream broke off:", cause);
    }
    isOver = true;
    lookAgain();
  }
  void read();

  return {
    events,
    close: () => ended.abort(),
    waitFor: (type, count) =>
      new Promise((resolve, reject) => {
        const late = setTimeout(() => fail("in time"), EVENT_WAIT_MS_MAX);
        const look = (): void => {
          if (events.filter((event) => event.type === type).length >= count) done(resolve);
          else if (isOver) fail("before the event stream ended");
        };
        const done = (then: () => void): void => {
          clearTimeout(late);
          waits.delete(look);
          then();
        };
        const fail = (when: string): void => done(() => reject(new Error(`No ${count} ${type} events came ${when}.`)));
        waits.add(look);
        look();
      }),
  };
}

/** The body of a response as text, in the pieces in which it comes. */
export async function* textOf(response: Response): AsyncGenerator<string> {
  if (response.body === null) return;
  const decoder = new TextDecoder();
  for await (const bytes of response.body) yield decoder.decode(bytes, { stream: true });
}

import { noBody, withPiece } from "../body-start.ts";
import type { StackClock } from "../clock.ts";
import type { FaultRule } from "../faults.ts";
import type { Ledger } from "../ledger.ts";
import type { Traffic } from "../traffic.ts";
import { deliver, noResponse } from "./deliver.ts";
import { canonicalHeaderName } from "./header-names.ts";
import type { Message, Outcome } from "./message.ts";
import type { SigningKeys } from "./signing-keys.ts";

/** Delivers a message once and commits `fault` on the way ("delay" excepted, which is the dispatcher's). Never rejects. */
export type Attempt = (message: Message, fault: FaultRule | undefined) => Promise<Outcome>;

/** `closing` aborts what is under way. */
export function createAttempt(o: {
  clock: StackClock;
  keys: SigningKeys;
  traffic: Traffic;
  ledger: Ledger;
  closing: AbortSignal;
}): Attempt {
  /** One listener for all: a signal that is made of two costs more than the rest of an attempt's bookkeeping. */
  const underWay = new Set<AbortController>();
  o.closing.addEventListener("abort", () => {
    for (const attempt of underWay) attempt.abort();
  });

  async function send(message: Message): Promise<Outcome> {
    if (o.closing.aborted) return noResponse("the stack is being stopped");
    const attempt = new AbortController();
    underWay.add(attempt);
    let isLate = false;
    const stopTimeout = o.clock.schedule(o.clock.now() + message.timeoutMs, () => {
      isLate = true;
      attempt.abort();
    });
    const noteEnd = noteDelivery(o, message);
    try {
      const answer = await deliver({ message, signingKey: o.keys.read().current, signal: attempt.signal });
      const outcome = isLate && answer.status === 0 ? noResponse(`timeout after ${message.timeoutMs} ms`) : answer;
      noteEnd(outcome);
      return outcome;
    } finally {
      stopTimeout();
      underWay.delete(attempt);
    }
  }

  return async (message, fault) => {
    switch (fault?.action) {
      case "drop-before":
        return noResponse("fault: the connection was lost before the request");
      case "drop-after":
        await send(message);
        return noResponse("fault: the response was lost");
      case "duplicate":
        return (await Promise.all([send(message), send(message)]))[0];
      case "status":
        return answeredBy(fault);
      default:
        return send(message);
    }
  };
}

/** Has the delivery in the traffic. What is answered is to be called at its end; then its bytes are in the ledger, too. */
function noteDelivery(
  books: { clock: StackClock; traffic: Traffic; ledger: Ledger },
  message: Message,
): (outcome: Outcome) => void {
  const { method, url, body } = message;
  const startedAtMs = performance.now();
  const rawHeaders = Object.entries(message.header).flatMap(([name, values]) =>
    values.flatMap((value) => [name, value]),
  );
  rawHeaders.push("Upstash-Message-Id", message.messageId, "Upstash-Retried", String(message.retried));
  const exchange = books.traffic.begin({ server: "delivery", atMs: books.clock.now(), method, url, rawHeaders });
  exchange.request = withPiece(noBody, body);
  return (outcome) => {
    exchange.durationMs = performance.now() - startedAtMs;
    exchange.status = outcome.status;
    if (outcome.error === undefined) exchange.response = withPiece(noBody, outcome.body);
    else exchange.error = outcome.error;
    books.ledger.urlBytes(url, { in: exchange.response.bytes, out: body.length });
  };
}

/** What a fault of the server "delivery" is matched against. */
export function deliverySubject(message: Message): string {
  return `${message.method} ${message.url}\n${message.body.toString("utf8")}`;
}

/** As if something in front of the destination had answered: the destination sees nothing. */
function answeredBy(fault: FaultRule): Outcome {
  const header = Object.entries(fault.headers ?? {}).map(([name, value]) => [canonicalHeaderName(name), [value]]);
  return {
    status: fault.status ?? 500,
    header: Object.fromEntries(header),
    body: Buffer.from(fault.body ?? ""),
  };
}

import type { StackClock } from "../clock.ts";
import type { FaultRule } from "../faults.ts";
import { deliver, noResponse } from "./deliver.ts";
import { canonicalHeaderName } from "./header-names.ts";
import type { Message, Outcome } from "./message.ts";
import type { SigningKeys } from "./signing-keys.ts";

/** Delivers a message once and commits `fault` on the way ("delay" excepted, which is the dispatcher's). Never rejects. */
export type Attempt = (message: Message, fault: FaultRule | undefined) => Promise<Outcome>;

/** `closing` aborts what is under way. */
export function createAttempt(o: { clock: StackClock; keys: SigningKeys; closing: AbortSignal }): Attempt {
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
    try {
      const outcome = await deliver({ message, signingKey: o.keys.read().current, signal: attempt.signal });
      return isLate && outcome.status === 0 ? noResponse(`timeout after ${message.timeoutMs} ms`) : outcome;
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

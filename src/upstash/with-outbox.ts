import { asAppError } from "../core/errors.ts";
import type { Log } from "../core/ports.ts";
import type { Outbox } from "./outbox.ts";
import type { Publisher } from "./qstash.ts";

/** Publishes; what QStash cannot take now is kept, and counts as sent: it will be. */
export function withOutbox(qstash: Publisher, outbox: Pick<Outbox, "keep">, log: Log): Publisher {
  return {
    async publish(message) {
      try {
        return await qstash.publish(message);
      } catch (thrown) {
        const { deduplicationId } = message;
        if (asAppError(thrown).code !== "queue_unavailable" || deduplicationId === undefined) throw thrown;
        if (!(await outbox.keep({ ...message, deduplicationId }))) throw thrown;
        log.warn("QStash does not take a message; the sweep sends it later", { messageId: deduplicationId });
        return { messageId: `kept-${deduplicationId}` };
      }
    },
  };
}

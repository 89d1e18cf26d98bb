import { FailedCall, FailureBody } from "../routes/webhooks.ts";
import { room } from "./describe.ts";
import { delivery } from "./engine.ts";

export const webhookApi = room("Webhooks", "What the queue tells beside deliveries.", {
  "POST /api/webhooks/qstash/failure": {
    ...delivery,
    summary: "The queue has given up a message",
    query: FailedCall,
    body: FailureBody,
  },
});

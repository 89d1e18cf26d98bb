/** `/v2/queues`. Messages enter a queue through publish-resource.ts. */
import { ApiError } from "./api-error.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { MessageStore } from "./message-store.ts";
import type { QueueGate } from "./queue-gate.ts";
import type { Queue, QueueStore } from "./queue-store.ts";
import { idIn, readJsonObject, type Resource } from "./route.ts";

export function createQueuesResource(o: {
  queues: QueueStore;
  gate: QueueGate;
  messages: MessageStore;
  dispatcher: Dispatcher;
}): Resource {
  const messagesOf = (name: string) => o.messages.list().filter(({ queueName }) => queueName === name);

  const view = (queue: Queue) => ({
    name: queue.name,
    createdAt: queue.createdAtMs,
    updatedAt: queue.updatedAtMs,
    parallelism: queue.parallelism,
    paused: queue.isPaused,
    lag: messagesOf(queue.name).filter((message) => !o.gate.hasPlace(message)).length,
  });

  function find(name: string): Queue {
    const queue = o.queues.get(name);
    if (queue === undefined) throw new ApiError(404, `queue ${name} not found`);
    return queue;
  }

  function remove(name: string): void {
    find(name);
    // Paused first: the end of one message must not start the next one.
    o.queues.upsert(name, { isPaused: true });
    for (const { messageId } of messagesOf(name)) o.dispatcher.cancel(messageId);
    o.queues.remove(name);
  }

  function setPaused(name: string, isPaused: boolean): void {
    find(name);
    o.queues.upsert(name, { isPaused });
    o.gate.recheck(name);
  }

  return ({ method, path, body }) => {
    if (path === "queues" && method === "GET") return { status: 200, value: o.queues.list().map(view) };
    if (path === "queues" && method === "POST") {
      const wanted = readQueue(body);
      o.queues.upsert(wanted.name, wanted.change);
      o.gate.recheck(wanted.name);
      return { status: 200 };
    }
    const name = idIn(path, "queues");
    if (name !== undefined && method === "GET") return { status: 200, value: view(find(name)) };
    if (name !== undefined && method === "DELETE") {
      remove(name);
      return { status: 200 };
    }
    const [, switched, action] = /^queues\/([^/]+)\/(pause|resume)$/.exec(path) ?? [];
    if (switched === undefined || method !== "POST") return undefined;
    setPaused(switched, action === "pause");
    return { status: 200 };
  };
}

function readQueue(body: Buffer): { name: string; change: { parallelism: number; isPaused: boolean } } {
  const { queueName, parallelism = 1, paused = false } = readJsonObject(body);
  if (typeof queueName !== "string") throw new ApiError(400, "queueName is missing");
  if (typeof parallelism !== "number") throw new ApiError(400, "invalid parallelism");
  if (typeof paused !== "boolean") throw new ApiError(400, "invalid paused");
  return { name: queueName, change: { parallelism, isPaused: paused } };
}

/** Two dinners by a durable run: one that works out, and one that is undone because the guest says no. */
import type { RunningStack } from "../stack/start-stack.ts";
import type { DemoClient } from "./demo-client.ts";
import type { DemoEvent } from "./demo-event-log.ts";
import { check, say, sayCost, title } from "./demo-terminal.ts";

const HOUR_MS = 60 * 60 * 1_000;

export async function playDinners(stack: RunningStack, client: DemoClient): Promise<void> {
  title("6. A durable run books a dinner: search, reserve, charge, wait for the guest, remind, confirm");
  const booked = await dine(stack, client, true);
  check(booked.last.type === "workflow-completed", "the run has completed");
  check(
    booked.effects.join(", ") === "reserved, charged, notified, notified",
    "the restaurant did what it was asked for, each once",
  );

  title("7. The same, but the guest says no: what was done is undone, the last step first");
  const declined = await dine(stack, client, false);
  check(declined.last.type === "workflow-failed", "the run has failed, in the guest's words");
  check(
    declined.effects.join(", ") === "reserved, charged, refunded, released",
    "the deposit went back, then the table was free again",
  );
}

/** From the order to the end of the run. */
async function dine(
  stack: RunningStack,
  client: DemoClient,
  confirmed: boolean,
): Promise<{ last: DemoEvent; effects: string[] }> {
  stack.ledger.reset();
  const input = {
    city: "Rome",
    partySize: 2,
    guest: "Ada",
    at: new Date(Date.now() + 3 * HOUR_MS).toISOString(),
    // The reminder is due at once, so that nobody has to wait for it.
    remindBeforeMinutes: 24 * 60,
  };
  const runId = await client.execute("book-dinner", input);
  const eventLog = client.followRun(runId);
  await eventLog.waitFor("waiting-for-guest", 1);
  await client.signal(runId, { name: "guest-confirms", id: "the-word", payload: { confirmed } });
  await eventLog.waitFor(confirmed ? "workflow-completed" : "workflow-failed", 1);
  eventLog.close();
  for (const { id, type, data } of eventLog.events) {
    const failure = data["failure"] as { message: string } | undefined;
    const detail = [data["step"], failure?.message].filter((part) => part !== undefined);
    say([`   ${id.padEnd(4)}`, type, ...detail.map((part) => JSON.stringify(part))].join(" ").slice(0, 110));
  }
  sayCost(stack);
  const { effects } = stack.restaurant.read();
  return {
    last: eventLog.events.at(-1)!,
    effects: effects.filter(({ key }) => key.startsWith(`${runId}/`)).map(({ kind }) => kind),
  };
}

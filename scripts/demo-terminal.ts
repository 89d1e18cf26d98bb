/** What the demo prints, and how it fails. */
import type { RunningStack } from "../stack/start-stack.ts";

export function sayCost(stack: RunningStack): void {
  const { commands, roundTrips, modelCalls, messages, byCommand } = stack.ledger.read();
  const names = Object.entries(byCommand).map(([name, count]) => `${count} ${name}`);
  say(
    `\n   Cost: ${commands} Redis commands in ${roundTrips} round trips, ${messages} QStash messages, ${modelCalls} model calls`,
  );
  say(`         (${names.join(", ")})`);
}

/** @throws Error that ends the demo. */
export function check(isTrue: boolean, words: string): void {
  if (!isTrue) throw new Error(`\nDemo failed. This should be so, but is not: ${words}`);
  say(`   ✓ ${words}`);
}

export function title(text: string): void {
  say(`\n${text}\n`);
}

export function say(text: string): void {
  console.log(text);
}

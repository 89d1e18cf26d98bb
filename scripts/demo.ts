/**
 * `npm run demo`: a scripted conversation against the whole application on free ports, through its HTTP API alone.
 *
 * It shows a tool call, an answer whose stream is killed in the middle and resumed, the events of the conversation, a durable run that books a dinner, one that
 * is undone, and what each cost. It exits 0 only if every check holds; otherwise it says what is missing and exits 1.
 */
import "../stack/quiet-warnings.ts";
import { buildWebIfStale } from "../stack/build-web.ts";
import { explainFailure, onInterrupt } from "../stack/command-line.ts";
import { startApp } from "../stack/start-app.ts";
import type { RunningApp } from "../stack/start-app.ts";
import { startStack } from "../stack/start-stack.ts";
import type { RunningStack } from "../stack/start-stack.ts";
import { DemoClient } from "./demo-client.ts";
import { playDinners } from "./demo-dinner.ts";
import type { DemoEvent } from "./demo-event-log.ts";
import { check, say, sayCost, title } from "./demo-terminal.ts";

const CONVERSATION = "demo-conversation";
const KILL_AFTER_CHARS = 300;
/** Long enough to be interrupted by a person who looks, short enough to wait for. */
const STORY_REQUEST = "Tell me a long story in 200 words.";

let runningStack: RunningStack | undefined;
let runningApp: RunningApp | undefined;
const printed: string[] = [];

onInterrupt(stopAll);
try {
  say("Starting the stack and the Worker on free ports …");
  const stack = (runningStack = await startStack());
  await buildWebIfStale();
  const app = (runningApp = await startApp({ port: 0, stack, onLine: (line) => void printed.push(line) }));
  say(`The app answers at ${app.url}, the stack at ${stack.url}.`);
  const client = new DemoClient(app.url);
  await play(stack, client);
  await playDinners(stack, client);
  await stopAll();
  say("\nDemo finished: every check held.");
} catch (cause) {
  await stopAll();
  console.error(printed.filter((line) => /"level":"(?:error|warn)"|ERROR/.test(line)).join("\n"));
  explainFailure(cause, {});
}

async function play(stack: RunningStack, client: DemoClient): Promise<void> {
  const userId = await client.openSession();
  say(`A guest session is open for ${userId}.`);
  const eventLog = client.followEvents(CONVERSATION);

  title("1. A turn that calls tools");
  stack.ledger.reset();
  const tools = await client.chat(CONVERSATION, "What is 12 * (3 + 4), and what time is it in Tokyo?", { show: true });
  check(tools.toolNames.length === 2, `two tools were called: ${tools.toolNames.join(", ")}`);
  check(tools.text.includes("84"), "the answer holds the result, 84");
  await eventLog.waitFor("workflow-completed", 1);
  sayCost(stack);

  title("2. Something to remember, and a question about it");
  stack.ledger.reset();
  await client.chat(CONVERSATION, "Remember that my favourite colour is green.", { show: true });
  const recalled = await client.chat(CONVERSATION, "What do you know about my favourite colour?", { show: true });
  check(recalled.text.includes("green"), "the fact came back");
  await eventLog.waitFor("workflow-completed", 3);
  sayCost(stack);

  title("3. A long answer, killed in the middle and resumed");
  stack.ledger.reset();
  const cut = await client.chat(CONVERSATION, STORY_REQUEST, { show: true, killAfterChars: KILL_AFTER_CHARS });
  check(!cut.isFinished, `the connection was killed after ${cut.text.length} characters`);
  say("\n   … GET /api/chat/:id/stream, which replays the turn from its first chunk:\n");
  const resumed = await client.resume(CONVERSATION, { show: true });
  check(resumed.isFinished, "the resumed stream came to its end");
  check(resumed.text.startsWith(cut.text), "it begins with what was seen before the cut");
  await eventLog.waitFor("workflow-completed", 4);
  sayCost(stack);

  title("4. Is the text whole?");
  const stored = (await client.messages(CONVERSATION)).at(-1) ?? "";
  check(stored === resumed.text, `history holds the same ${stored.length} characters, once`);
  check(/^I am an offline demo model[\s\S]*The end\.$/.test(stored), "from its first word to its last");
  const chapters = [...stored.matchAll(/Chapter (\d+)\./g)].map((match) => Number(match[1]));
  check(
    chapters.every((chapter, index) => chapter === index + 1),
    `chapters ${chapters.join(", ")} in order`,
  );
  check((await client.resumeStatus(CONVERSATION)) === 204, "nothing is left to resume: 204");

  title("5. The events of the conversation, as another window received them");
  eventLog.close();
  for (const line of summary(eventLog.events)) say(`   ${line}`);
  const story = eventLog.events.slice(eventLog.events.findLastIndex((event) => event.type === "workflow-started"));
  const deltas = story.filter((event) => event.type === "message-delta").map((event) => event.data["text"]);
  check(deltas.join("") === stored, "the deltas of the last turn join to the same text");
}

/** One line for each event; runs of deltas become one. */
function summary(events: readonly DemoEvent[]): string[] {
  const lines: string[] = [];
  let deltas = 0;
  for (const [index, event] of events.entries()) {
    if (event.type === "message-delta") deltas += 1;
    const isLastDelta = event.type === "message-delta" && events[index + 1]?.type !== "message-delta";
    if (isLastDelta) lines.push(`${event.id.padEnd(24)} message-delta × ${deltas}`);
    if (event.type === "message-delta") continue;
    deltas = 0;
    const { toolName, output } = event.data;
    const detail = [toolName, output].filter((part) => part !== undefined).map((part) => JSON.stringify(part));
    lines.push([event.id.padEnd(24), event.type, ...detail].join(" ").slice(0, 110));
  }
  return lines;
}

async function stopAll(): Promise<void> {
  await runningApp?.close();
  await runningStack?.close();
}

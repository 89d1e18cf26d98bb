/** What the app logs in these tests, searched at the end of each file for its keys; errors are printed too, for people. The console is the app's only sink here. */
import { afterAll, inject } from "vitest";
import { createSecretWatch, throwAny } from "../support/secret-lines.ts";

export const logLines: string[] = [];

const watch = createSecretWatch(inject("workerBindings"), logLines);
const print = console.log.bind(console);
// Vitest's spies do not take hold of the console of workerd.
console.log = (line: unknown) => {
  watch.take(String(line));
  if (String(line).includes('"level":"error"')) print(line);
};
afterAll(() => throwAny(watch.leaks()));

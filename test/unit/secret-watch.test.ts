/** The search of what tests print for secrets finds them: on it rests that no log holds one. */
import { expect, it } from "vitest";
import { createSecretWatch, throwAny } from "../support/secret-lines.ts";

const bindings = {
  MODEL_API_KEY: 'a "quoted" model key',
  SESSION_SECRET: "session secret",
  ENCRYPTION_KEYS: "new:bmV3+a2V5/c=,old:b2xkLWtleQ==",
  MODEL_NAME: "offline",
};

it.each([
  ["a binding", "said session secret", true],
  ["a binding as JSON writes it", JSON.stringify({ say: bindings.MODEL_API_KEY }), true],
  ["one of several encryption keys as a URL writes it", `/?k=${encodeURIComponent("bmV3+a2V5/c=")}`, true],
  ["the other of them", "b2xkLWtleQ==", true],
  ["what was given out later", "tk_ticket", true],
  ["a name, and nothing that is secret", "offline new old", false],
])("a line with %s is told", (_what, line, isTold) => {
  const watch = createSecretWatch(bindings);
  watch.take(line);
  watch.note("tk_ticket", "");
  expect(watch.leaks()).toHaveLength(isTold ? 1 : 0);
  const close = () => throwAny(watch.leaks());
  if (isTold) expect(close).toThrow(line);
  else expect(close).not.toThrow();
});

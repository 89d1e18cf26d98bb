/** What a run of bun's tests left behind, as tests with their outcomes. */

export interface TestResult {
  file: string;
  /** The test's own name; empty for an error that happened outside of every test. */
  name: string;
  outcome: "passed" | "failed" | "skipped";
  /** Why it failed, in the words of the test. */
  message: string;
}

/**
 * Reads the JUnit report and the log of the same run. An error outside of a test (a file that could not be loaded, a rejection
 * that nobody awaited) is only in the log.
 */
export function readResults(junit: string, log: string): TestResult[] {
  return [...testsOf(junit), ...errorsOutside(log)];
}

function testsOf(junit: string): TestResult[] {
  const cases = junit.matchAll(/<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g);
  return [...cases].map(([, attributes = "", content = ""]) => {
    const failure = /<(?:failure|error)\b([^>]*)>/.exec(content)?.[1];
    const isSkipped = content.includes("<skipped");
    return {
      file: attribute(attributes, "file"),
      name: attribute(attributes, "name"),
      outcome: failure !== undefined ? "failed" : isSkipped ? "skipped" : "passed",
      message: failure === undefined ? "" : attribute(failure, "message"),
    };
  });
}

function errorsOutside(log: string): TestResult[] {
  const errors: TestResult[] = [];
  let file = "";
  const lines = log.split("\n");
  for (const [index, line] of lines.entries()) {
    file = /^(\S+\.test\.tsx?):$/.exec(line)?.[1] ?? file;
    if (line !== "# Unhandled error between tests") continue;
    const message = lines.slice(index).find((later) => /^[A-Za-z]*[Ee]rror: /.test(later)) ?? "";
    errors.push({ file, name: "", outcome: "failed", message });
  }
  return errors;
}

const entities: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

function attribute(attributes: string, name: string): string {
  const text = new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(attributes)?.[1] ?? "";
  return text.replaceAll(/&(?:#(\d+)|(\w+));/g, (whole, code?: string, entity?: string) =>
    code === undefined ? (entities[entity ?? ""] ?? whole) : String.fromCodePoint(Number(code)),
  );
}

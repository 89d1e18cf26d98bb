import { describe, expect, it } from "vitest";
import { reasonOf } from "../../scripts/upstream/known-failures.ts";
import { tablesOf, withTables } from "../../scripts/upstream/report.ts";
import { suites } from "../../scripts/upstream/suites.ts";
import { readResults } from "../../scripts/upstream/test-results.ts";
import type { TestResult } from "../../scripts/upstream/test-results.ts";

const junit = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="4">
  <testsuite name="src/a.test.ts" file="src/a.test.ts">
    <testcase name="adds &lt;1&gt; &amp; 2" classname="" time="0.1" file="src/a.test.ts" line="1" assertions="1" />
    <testsuite name="inner" file="src/a.test.ts">
      <testcase name="fails" classname="inner" file="src/a.test.ts">
        <failure type="AssertionError" message="expect(&quot;a&quot;)&#10;toBe(&apos;b&apos;)">at a.test.ts</failure>
      </testcase>
      <testcase name="waits" classname="inner" file="src/a.test.ts">
        <skipped />
      </testcase>
    </testsuite>
  </testsuite>
</testsuites>`;

const log = `bun test v1

src/a.test.ts:
(pass) adds

src/b.test.ts:

# Unhandled error between tests
-------------------------------
12 |   throw new Error("no variable")
error: no variable
      at b.test.ts
-------------------------------
`;

describe("what a run of bun left behind", () => {
  it("is read as tests with their outcomes, errors outside of tests included", () => {
    expect(readResults(junit, log)).toEqual([
      { file: "src/a.test.ts", name: "adds <1> & 2", outcome: "passed", message: "" },
      { file: "src/a.test.ts", name: "fails", outcome: "failed", message: "expect(\"a\")\ntoBe('b')" },
      { file: "src/a.test.ts", name: "waits", outcome: "skipped", message: "" },
      { file: "src/b.test.ts", name: "", outcome: "failed", message: "error: no variable" },
    ]);
  });

  it("is nothing when nothing ran", () => {
    expect(readResults("", "")).toEqual([]);
  });
});

describe("the reasons for failures", () => {
  const failed = (file: string, message: string): TestResult => ({ file, name: "x", outcome: "failed", message });

  it("fit by suite, file and message together", () => {
    const message = "ERR SEARCH.QUERY is not in the local stack.";
    expect(reasonOf("redis-js", failed("pkg/redis.test.ts", message))).toContain("Search");
    expect(reasonOf("qstash-js", failed("pkg/redis.test.ts", message))).toBeUndefined();
    expect(reasonOf("redis-js", failed("pkg/pipeline.test.ts", message))).toBeUndefined();
    expect(reasonOf("redis-js", failed("pkg/redis.test.ts", "ERR JSON.GET is broken"))).toBeUndefined();
  });

  it("no suite needs the port of its own mock servers, nor runs nothing", () => {
    for (const { name, ports, testCountMin } of suites) {
      expect(ports, name).not.toContain(8080);
      expect(testCountMin, name).toBeGreaterThan(0);
    }
  });
});

describe("the tables", () => {
  const tables = tablesOf([
    {
      suite: "redis-js",
      commit: "abc of 2026-01-01",
      results: [
        { file: "b.test.ts", name: "1", outcome: "passed", message: "" },
        { file: "b.test.ts", name: "2", outcome: "failed", message: "new" },
        { file: "a.test.ts", name: "3", outcome: "passed", message: "" },
        { file: "a.test.ts", name: "4", outcome: "skipped", message: "" },
      ],
    },
  ]);

  it("count each suite, and name each file with a failure and no other", () => {
    expect(tables).toContain("| `upstash/redis-js` | abc of 2026-01-01 | 2 | 2 | 1 | 1 |");
    expect(tables).toContain("| redis-js | `b.test.ts` | 1 | 1 | not known yet |");
    expect(tables).not.toContain("`a.test.ts`");
  });

  it("replace what stands between the marks, and a document without marks is refused", () => {
    const document = "before\n<!-- npm run upstream writes from here -->\n\nold\n\n<!-- to here -->\nafter";
    const written = withTables(document, "new");
    expect(written).toBe(document.replace("old", "new"));
    expect(withTables(written, "old")).toBe(document);
    expect(() => withTables("before", "new")).toThrow("no place for the tables");
  });
});

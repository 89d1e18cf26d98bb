import { existsSync, readFileSync } from "node:fs";

interface ReportedFile {
  status: string;
  assertionResults: { status: string }[];
}

/**
 * Counts what vitest's JSON reporter wrote. A file that failed before its first test counts as one failed test,
 * and so does every test that was skipped: nothing is skipped here on purpose. A missing report is one failure.
 */
export function readVitestReport(file: string): { passed: number; failed: number } {
  if (!existsSync(file)) return { passed: 0, failed: 1 };
  const report = JSON.parse(readFileSync(file, "utf8")) as { testResults: ReportedFile[] };
  let passed = 0;
  let failed = 0;
  for (const { status, assertionResults } of report.testResults) {
    const filePassed = assertionResults.filter((test) => test.status === "passed").length;
    const fileFailed = assertionResults.length - filePassed;
    passed += filePassed;
    failed += status === "passed" ? fileFailed : Math.max(fileFailed, 1);
  }
  return { passed, failed };
}

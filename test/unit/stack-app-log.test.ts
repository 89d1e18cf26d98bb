/** The log of `npm start`. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { openAppLog } from "../../stack/app-log.ts";

function newFile(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "app-log-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return path.join(folder, "app-8787", "app.log");
}

it("keeps what an earlier start has written", async () => {
  const file = newFile();
  for (const line of ["the crash", "the next start"]) {
    const log = openAppLog(file, () => {});
    log.write(line);
    await log.close();
  }
  expect(readFileSync(file, "utf8")).toMatch(/^--- npm start at .*\nthe crash\n--- npm start at .*\nthe next start\n$/);
});

it("begins anew once it is large, and the large one stays beside it", async () => {
  const file = newFile();
  await openAppLog(file, () => {}).close();
  const large = "x".repeat(8 * 1024 * 1024 + 1);
  writeFileSync(file, large);
  await openAppLog(file, () => {}).close();
  expect(readFileSync(file, "utf8")).toMatch(/^--- npm start at .*\n$/);
  expect(readFileSync(`${file}.old`, "utf8")).toBe(large);
});

it("shows errors, and nothing else", async () => {
  const shown: string[] = [];
  const log = openAppLog(newFile(), (text) => shown.push(text));
  const lines = ['{"level":"info","message":"fine"}', '{"level":"error","message":"bad"}', "✘ [ERROR] no such file"];
  for (const line of lines) log.write(line);
  await log.close();
  expect(shown).toEqual(lines.slice(1));
});

/** The key by which `npm start` encrypts what it keeps. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { appBindings } from "../../stack/app-bindings.ts";
import { openState } from "../../stack/open-state.ts";
import { ownEncryptionKeys } from "../../stack/own-key.ts";
import type { RunningStack } from "../../stack/start-stack.ts";

function newFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "own-key-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

const keyFile = (folder: string) => path.join(folder, "encryption.key");

it("is made once, another for each folder, and only its owner may read it", () => {
  const folder = newFolder();
  const keys = ownEncryptionKeys(folder);
  expect(keys).toMatch(/^own:[A-Za-z0-9+/]{43}=,local:/);
  expect(ownEncryptionKeys(folder)).toBe(keys);
  expect(statSync(keyFile(folder)).mode & 0o777).toBe(0o600);
  expect(ownEncryptionKeys(newFolder())).not.toBe(keys);
});

it("seals from the first start on, while what the public key has sealed still opens", () => {
  const stack = { modelBaseUrl: "http://127.0.0.1:1/v1" } as RunningStack;
  const { ENCRYPTION_KEYS: publicKeys = "" } = appBindings(stack, "http://127.0.0.1:2");
  const keys = ownEncryptionKeys(newFolder());
  expect(keys.endsWith(`,${publicKeys}`)).toBe(true);
});

it("outlives --fresh: a Redis by URL keeps what it has sealed", async () => {
  const folder = newFolder();
  const keys = ownEncryptionKeys(folder);
  const { storage } = await openState({ persistDir: folder, isFresh: true });
  storage.close();
  expect(ownEncryptionKeys(folder)).toBe(keys);
});

it("that was damaged is said, and not replaced by one that could open nothing", () => {
  const folder = newFolder();
  writeFileSync(keyFile(folder), "no key");
  expect(() => ownEncryptionKeys(folder)).toThrow(/holds no key/);
  expect(readFileSync(keyFile(folder), "utf8")).toBe("no key");
});

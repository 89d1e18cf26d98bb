import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import * as fc from "fast-check";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { FolderInUseError } from "../../stack/folder-in-use.ts";
import type { Storage } from "../../stack/storage/collection.ts";
import { openFileStorage } from "../../stack/storage/file-storage.ts";
import { decodeRecord, encodeRecord } from "../../stack/storage/record-text.ts";

function newFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "skipstone-storage-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** The files as they are at this moment, which is what a killed process leaves behind. */
function copyOf(folder: string): string {
  const copy = newFolder();
  for (const file of readdirSync(folder)) copyFileSync(path.join(folder, file), path.join(copy, file));
  return copy;
}

function open(folder: string): Storage {
  const storage = openFileStorage(folder);
  onTestFinished(() => storage.close());
  return storage;
}

function valuesIn(folder: string, name = "things"): unknown[] {
  const storage = openFileStorage(folder);
  try {
    return storage.collection(name).values();
  } finally {
    storage.close();
  }
}

/** What is printed on stderr until the test ends. */
function heardErrors(): string[] {
  const heard: string[] = [];
  const spy = vi.spyOn(console, "error").mockImplementation((text) => void heard.push(String(text)));
  onTestFinished(() => spy.mockRestore());
  return heard;
}

describe("a record", () => {
  it("is read as it was written, whatever strings, names and bytes are in it", () => {
    const bytes = fc.uint8Array().map((array) => Buffer.from(array));
    const odd = ["\0", "\0t", "\0b", "\0s\0", "\ud800", "__proto__", "toJSON"];
    const text = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom(...odd));
    const leaf = fc.oneof(text, bytes, fc.integer(), fc.boolean(), fc.constant(null));
    const value = fc.oneof(leaf, fc.array(leaf), fc.dictionary(text, fc.oneof(leaf, fc.array(leaf))));
    fc.assert(
      fc.property(fc.dictionary(text, value), (record) => {
        expect(decodeRecord(encodeRecord(record))).toEqual(record);
      }),
    );
  });

  it("shows a body that is text as text", () => {
    expect(encodeRecord({ body: Buffer.from("grüße") })).toContain("grüße");
  });
});

describe("a collection in a file", () => {
  it("holds after any changes and restarts what a collection in memory holds, in the same order", async () => {
    const id = fc.constantFrom("a", "b", "c", "d");
    const step = fc.record({ do: fc.constantFrom("put", "put", "remove", "flush", "restart"), id });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const folder = newFolder();
        let storage = openFileStorage(folder);
        let things = storage.collection("things");
        const model = new Map<string, unknown>();
        for (const [index, { do: action, id: name }] of steps.entries()) {
          if (action === "put") {
            things.put(name, { name, index });
            model.set(name, { name, index });
          } else if (action === "remove") expect(things.remove(name)).toBe(model.delete(name));
          else if (action === "flush") expect(await storage.flushed()).toBe(true);
          else {
            storage.close();
            storage = openFileStorage(folder);
            things = storage.collection("things");
          }
          expect(things.values()).toEqual([...model.values()]);
          expect(things.first()).toEqual(model.values().next().value);
          expect(things.get(name)).toEqual(model.get(name));
          expect(things.size()).toBe(model.size);
        }
        storage.close();
        expect(valuesIn(folder)).toEqual([...model.values()]);
      }),
      { numRuns: 40 },
    );
  });

  it("is in the file once the storage says so, all of one turn together", async () => {
    const folder = newFolder();
    const storage = open(folder);
    const things = storage.collection("things");
    things.put("a", { n: 1 });
    const flushed = storage.flushed();
    things.put("b", { n: 2 });
    expect(valuesIn(copyOf(folder))).toEqual([]);
    expect(await flushed).toBe(true);
    expect(valuesIn(copyOf(folder))).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it("is written at the end of the turn without being asked", async () => {
    const folder = newFolder();
    open(folder).collection("things").put("a", { n: 1 });
    await new Promise((resolve) => setImmediate(resolve));
    expect(valuesIn(copyOf(folder))).toEqual([{ n: 1 }]);
  });

  it("changes together with the others or not at all, and says once that it cannot be written", async () => {
    const folder = newFolder();
    const storage = open(folder);
    const left = storage.collection("left");
    const right = storage.collection<unknown>("right");
    const heard = heardErrors();
    left.put("a", { n: 1 });
    right.put("a", { n: 1n });
    expect(await storage.flushed()).toBe(false);
    left.put("b", { n: 2 });
    expect(await storage.flushed()).toBe(false);
    // Nothing new, and still nothing to be sure of.
    expect(await storage.flushed()).toBe(false);
    expect([valuesIn(copyOf(folder), "left"), valuesIn(copyOf(folder), "right")]).toEqual([[], []]);
    right.put("a", { n: 3 });
    expect(await storage.flushed()).toBe(true);
    expect(valuesIn(copyOf(folder), "left")).toEqual([{ n: 1 }, { n: 2 }]);
    expect(valuesIn(copyOf(folder), "right")).toEqual([{ n: 3 }]);
    expect(heard).toEqual([expect.stringContaining("could not be written")]);
  });

  it("forgets what is put after the storage was closed", async () => {
    const folder = newFolder();
    const storage = open(folder);
    const things = storage.collection("things");
    storage.close();
    storage.close();
    things.put("a", {});
    await storage.flushed();
    expect(valuesIn(folder)).toEqual([]);
  });
});

describe("the folder of a storage", () => {
  it("belongs to one storage at a time", () => {
    const folder = newFolder();
    const storage = open(folder);
    expect(() => openFileStorage(folder)).toThrow(FolderInUseError);
    storage.close();
    expect(valuesIn(folder)).toEqual([]);
  });

  it("is made, with the folders above it", () => {
    expect(valuesIn(path.join(newFolder(), "deep", "er"))).toEqual([]);
  });

  it.each([0.25, 0.5, 0.75, 0.9, 0.99, 0.999])(
    "gives back whole turns from a log that was torn at %d",
    async (share) => {
      const folder = newFolder();
      const storage = open(folder);
      const things = storage.collection("things");
      for (let n = 1; n <= 200; n += 1) {
        things.put(`${n}-a`, { n });
        things.put(`${n}-b`, { n });
        await storage.flushed();
      }
      const copy = copyOf(folder);
      const log = path.join(copy, "stack.sqlite-wal");
      truncateSync(log, Math.floor(readFileSync(log).length * share));
      const kept = valuesIn(copy);
      const pairs = Array.from({ length: kept.length / 2 }, (_, index) => index + 1);
      expect(kept).toEqual(pairs.flatMap((n) => [{ n }, { n }]));
    },
  );

  it.each([
    ["is no database", (file: string) => writeFileSync(file, "x".repeat(10_000))],
    ["was cut", (file: string) => truncateSync(file, 6_000)],
    ["was overwritten in the middle", (file: string) => overwrite(file, 4_096, 8_192)],
  ])("sets a file aside that %s, says so, and begins anew", (_, spoil) => {
    const folder = newFolder();
    const storage = openFileStorage(folder);
    const things = storage.collection("things");
    for (let n = 1; n <= 500; n += 1) things.put(String(n), { n });
    storage.close();
    const file = path.join(folder, "stack.sqlite");
    spoil(file);
    const spoilt = readFileSync(file);
    const heard = heardErrors();
    expect(valuesIn(folder)).toEqual([]);
    expect(heard).toEqual([expect.stringMatching(/damaged.*broken-\d+/)]);
    const aside = readdirSync(folder).find((name) => /^stack\.sqlite\.broken-\d+$/.test(name)) ?? "";
    expect(readFileSync(path.join(folder, aside))).toEqual(spoilt);
  });

  it("refuses a file of a newer version and leaves it as it is", () => {
    const folder = newFolder();
    expect(valuesIn(folder)).toEqual([]);
    const newer = new DatabaseSync(path.join(folder, "stack.sqlite"));
    newer.exec("PRAGMA user_version = 99");
    newer.close();
    expect(() => openFileStorage(folder)).toThrow("newer version");
    expect(readdirSync(folder)).toEqual(["stack.sqlite"]);
  });

  it("gives space back at the next start when most of it is empty", async () => {
    const folder = newFolder();
    const storage = openFileStorage(folder);
    const things = storage.collection("things");
    for (let n = 0; n < 100; n += 1) things.put(String(n), { text: "x".repeat(100_000) });
    await storage.flushed();
    for (let n = 1; n < 100; n += 1) things.remove(String(n));
    storage.close();
    expect(valuesIn(folder)).toHaveLength(1);
    expect(readFileSync(path.join(folder, "stack.sqlite")).length).toBeLessThan(1_000_000);
  });
});

function overwrite(file: string, start: number, end: number): void {
  const bytes = readFileSync(file);
  writeFileSync(file, bytes.fill(0x5a, start, end));
}

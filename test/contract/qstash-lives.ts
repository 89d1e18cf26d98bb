/**
 * Two lives of one local QStash with a kill between them. A kill is a copy of the folder at that instant, taken up by a second
 * server: the bytes that were written are all that a killed process leaves behind.
 */
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";
import { openFileStorage } from "../../stack/storage/file-storage.ts";
import { startQstash, type Delivery, type QstashRig } from "./qstash-rig.ts";

export interface Lives {
  /** The server before the kill. */
  before: QstashRig;
  /** Kills it at the end of this turn of the event loop; the one that is answered took its place. */
  restart(): Promise<QstashRig>;
}

export async function startLives(): Promise<Lives> {
  const folder = newFolder();
  const before = await startOn(folder);
  return {
    before,
    async restart() {
      await new Promise((resolve) => setImmediate(resolve));
      const copy = newFolder();
      for (const file of readdirSync(folder)) copyFileSync(path.join(folder, file), path.join(copy, file));
      return startOn(copy);
    },
  };
}

/** A server that keeps its state in `folder`, and lets go of it in good order by `end`, or when the test is over. */
export async function startOn(folder: string): Promise<QstashRig & { end(): Promise<void> }> {
  const storage = openFileStorage(folder);
  onTestFinished(() => storage.close());
  const rig = await startQstash("frozen", storage);
  return {
    ...rig,
    async end() {
      await rig.close();
      storage.close();
    },
  };
}

export function newFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "skipstone-restart-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Moves time by what is left until `atMs`, for the two clocks were frozen at different moments. */
export async function advanceTo(rig: QstashRig, atMs: number): Promise<void> {
  await rig.clock.advance(Math.max(0, atMs - rig.clock.now()));
  await rig.idle();
}

/** The first server's destination serves both lives; what it has seen so far is taken out. */
export function takeDeliveries(rig: QstashRig): Delivery[] {
  return rig.destination.deliveries.splice(0);
}

/** Leaves deliveries without an answer. Resolves when one has arrived; then those of the second life are answered with 200. */
export function holdOne({ destination }: QstashRig): Promise<void> {
  return new Promise((resolve) => {
    destination.answer(() => {
      destination.answer(() => ({ status: 200 }));
      destination.deliveries.splice(0);
      resolve();
      return undefined;
    });
  });
}

/**
 * Runs that wait for a person. They stay in the registry of the sweep, behind every time that can come: so the list costs nothing to keep, and whatever brings a run
 * on takes it off the list by giving it another time.
 */
import type { RunCursor, RunRef } from "./journal.ts";

/** Far beyond any time in unix ms at which a run is to be looked at. */
const parkedFromMs = 1e15;

/** The place in the registry of a run that was parked then. */
export function parkedPlace(parkedAtMs: number): number {
  return parkedFromMs + parkedAtMs;
}

/** Unix ms; `undefined` for the place of a run that is not parked. */
export function parkedAtOf(place: number): number | undefined {
  return place >= parkedFromMs ? place - parkedFromMs : undefined;
}

export interface ParkedRun {
  readonly ref: RunRef;
  readonly parkedAtMs: number;
}

export interface ParkedRuns {
  /** Of all users, the last parked first. 1 billed command. */
  page(page: RunCursor & { readonly count: number }): Promise<readonly ParkedRun[]>;
  /** Those of the user's runs that are parked. 1 billed command. */
  among(userId: string, runIds: readonly string[]): Promise<readonly ParkedRun[]>;
}

import { existsSync, mkdirSync, renameSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { FolderInUseError } from "../folder-in-use.ts";

const fileName = "stack.sqlite";
/** Of the tables and of the text in them; a change that an older stack could not read raises it. */
const formatVersion = 1;
/** Source: https://www.sqlite.org/rescode.html; the low byte of an extended code is the primary one. */
const resultCodes = { busy: 5, corrupt: 11, notADatabase: 26 };

/**
 * The database of the folder, locked for this process.
 * @throws FolderInUseError; Error in words for a file of a newer version.
 */
export function openDatabase(folder: string): DatabaseSync {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, fileName);
  try {
    return openChecked(file);
  } catch (cause) {
    const code = resultCodeOf(cause);
    if (code === resultCodes.busy) throw new FolderInUseError(folder);
    if (code !== resultCodes.corrupt && code !== resultCodes.notADatabase) throw cause;
    console.error(
      `${file} is damaged. It was set aside as ${setAside(file)}, and the stack begins with an empty state.`,
    );
    return openChecked(file);
  }
}

/** The log is moved into the file, which waits for the disk, once it has some 16 MB; the default is a quarter of that. */
const settings = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA wal_autocheckpoint = 4096;
`;

function openChecked(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  try {
    database.exec(settings);
    // The lock comes with the first access.
    database.exec("BEGIN IMMEDIATE; COMMIT");
    const version = numberOf(database, "user_version");
    if (version > formatVersion) throw new Error(`${file} was written by a newer version of the stack.`);
    if (textOf(database, "quick_check") !== "ok") throw new DamageError();
    database.exec(`PRAGMA user_version = ${formatVersion}`);
    giveBackSpace(database);
    return database;
  } catch (cause) {
    database.close();
    throw cause;
  }
}

/** Deleted records leave room that is used again; a file that is mostly such room is written anew. */
function giveBackSpace(database: DatabaseSync): void {
  const freePages = numberOf(database, "freelist_count");
  if (freePages > 1_000 && freePages > numberOf(database, "page_count") / 2) database.exec("VACUUM");
}

/** Found by the check of the database, and not by a call that failed. */
class DamageError extends Error {
  readonly errcode = resultCodes.corrupt;
}

/** With its log, which belongs to it: a new file must not find the log of an old one. */
function setAside(file: string): string {
  const target = `${file}.broken-${Date.now()}`;
  for (const suffix of ["", "-wal", "-shm"]) {
    if (existsSync(file + suffix)) renameSync(file + suffix, target + suffix);
  }
  return target;
}

function resultCodeOf(cause: unknown): number | undefined {
  const { errcode } = cause as { errcode?: number };
  return errcode === undefined ? undefined : errcode & 0xff;
}

function numberOf(database: DatabaseSync, pragma: string): number {
  return Number(textOf(database, pragma));
}

function textOf(database: DatabaseSync, pragma: string): string {
  return String(Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0]);
}

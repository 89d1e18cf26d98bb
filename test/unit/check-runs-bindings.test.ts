/** Whose runs `npm run check:runs` asks for. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readLiveBindings } from "../../scripts/runs/build-runs.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "bindings-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function written(name: string, text: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return file;
}

function read(o: { own?: string; file?: string; env?: Record<string, string> }) {
  const npmStart = written("bindings.env", "UPSTASH_REDIS_REST_URL='http://local'\nENCRYPTION_KEYS='own:local'\n");
  const { bindings, isOfNpmStart } = readLiveBindings({
    npmStart,
    own: written("own", o.own ?? ""),
    file: o.file === undefined ? undefined : written("other", o.file),
    env: o.env ?? {},
  });
  return [bindings["UPSTASH_REDIS_REST_URL"], bindings["ENCRYPTION_KEYS"], isOfNpmStart];
}

describe("the Redis whose runs are checked", () => {
  it("is that of npm start, with its keys, where nobody names another", () => {
    expect(read({})).toEqual(["http://local", "own:local", true]);
    expect(read({ own: "ENCRYPTION_KEYS=own:mine" })).toEqual(["http://local", "own:mine", true]);
  });

  it.each([
    ["the environment", { env: { UPSTASH_REDIS_REST_URL: "http://far" } }],
    ["the developer's own file", { own: "UPSTASH_REDIS_REST_URL=http://far" }],
    ["a file that was asked for", { file: "UPSTASH_REDIS_REST_URL=http://far" }],
  ])("is that of %s, without the keys of npm start", (_where, named) => {
    expect(read(named)).toEqual(["http://far", undefined, false]);
  });

  it("is none where a file that was asked for names none", () => {
    expect(read({ file: "LOG_LEVEL=debug" })).toEqual([undefined, undefined, false]);
  });

  it("is none where npm start has never been here", () => {
    const { bindings } = readLiveBindings({ own: path.join(folder, "no"), npmStart: path.join(folder, "no"), env: {} });
    expect(bindings["UPSTASH_REDIS_REST_URL"]).toBeUndefined();
  });
});

import { readFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";

const KIB = 1024;
const MINIFIED_BYTES_MAX = 300 * KIB;
const GZIP_BYTES_MAX = 80 * KIB;

/** Where scripts/build-worker.ts says what it built. */
const META_FILE = "dist/worker-meta.json";
const ENTRY = "dist/worker/worker.js";

/** The API is described at build time: neither the libraries that do so nor the description are part of the Worker. */
const describesApi = /openapi|swagger/i;

interface Meta {
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly outputs: Readonly<
    Record<string, { readonly imports: readonly { readonly path: string; readonly kind: string }[] }>
  >;
}

/**
 * Holds what a new isolate has to parse (the entry and what it imports at once) to its two limits. Chunks that are loaded when they are first needed are named in
 * the summary. No chunk holds a library of OpenAPI.
 */
export function inspectBundle(): { failures: readonly string[]; summary: string } {
  const { inputs, outputs } = JSON.parse(readFileSync(META_FILE, "utf8")) as Meta;
  const atOnce = importedBy(ENTRY, outputs);
  const later = Object.keys(outputs).filter((file) => file.endsWith(".js") && !atOnce.has(file));
  const [bytes, gzipBytes] = sizeOf([...atOnce]);
  const [laterBytes] = sizeOf(later);
  const failures: string[] = [];
  if (bytes > MINIFIED_BYTES_MAX) failures.push(overLimit("minified", bytes, MINIFIED_BYTES_MAX));
  if (gzipBytes > GZIP_BYTES_MAX) failures.push(overLimit("gzip", gzipBytes, GZIP_BYTES_MAX));
  const strangers = Object.keys(inputs).filter((file) => describesApi.test(file));
  if (strangers.length > 0) failures.push(`the Worker holds what only a build needs: ${strangers.join(", ")}`);
  const summary = `${inKib(bytes)} minified, ${inKib(gzipBytes)} gzip at once; ${inKib(laterBytes)} in ${later.length} chunks for later`;
  return { failures, summary };
}

/** The file and all that it imports statically, directly or not. */
function importedBy(entry: string, outputs: Meta["outputs"]): Set<string> {
  const seen = new Set<string>();
  const waiting = [entry];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    const imports = outputs[file]?.imports ?? [];
    waiting.push(...imports.filter(({ kind }) => kind === "import-statement").map((imported) => imported.path));
  }
  return new Set([...seen].filter((file) => file in outputs));
}

/** Compressed in one piece, as wrangler does for its own "Total Upload". */
function sizeOf(files: readonly string[]): [number, number] {
  const content = Buffer.concat(files.map((file) => readFileSync(path.resolve(file))));
  return [content.length, gzipSync(content).length];
}

function overLimit(kind: string, bytes: number, bytesMax: number): string {
  return `${ENTRY} and what it imports at once are ${inKib(bytes)} ${kind}; the limit is ${inKib(bytesMax)}`;
}

function inKib(bytes: number): string {
  return `${(bytes / KIB).toFixed(1)} KiB`;
}

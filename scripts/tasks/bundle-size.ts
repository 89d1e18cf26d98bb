import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const KIB = 1024;
const MINIFIED_BYTES_MAX = 300 * KIB;
const GZIP_BYTES_MAX = 80 * KIB;

/** Where `wrangler deploy --dry-run --outdir dist/worker` leaves the bundle of src/worker.ts. */
const BUNDLE_FILE = "dist/worker/worker.js";

/** Holds the Worker's bundle to its two limits: what an isolate must parse, and what a deploy uploads. */
export function inspectBundle(): { failures: readonly string[]; summary: string } {
  const bundle = readFileSync(BUNDLE_FILE);
  const gzipBytes = gzipSync(bundle).length;
  const failures: string[] = [];
  if (bundle.length > MINIFIED_BYTES_MAX) failures.push(overLimit("minified", bundle.length, MINIFIED_BYTES_MAX));
  if (gzipBytes > GZIP_BYTES_MAX) failures.push(overLimit("gzip", gzipBytes, GZIP_BYTES_MAX));
  return { failures, summary: `${inKib(bundle.length)} minified, ${inKib(gzipBytes)} gzip` };
}

function overLimit(kind: string, bytes: number, bytesMax: number): string {
  return `${BUNDLE_FILE} is ${inKib(bytes)} ${kind}; the limit is ${inKib(bytesMax)}`;
}

function inKib(bytes: number): string {
  return `${(bytes / KIB).toFixed(1)} KiB`;
}

/** Writes `dist/web/openapi.json`, which the Worker serves as a static file at `/openapi.json`. */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { openApiDocument } from "./openapi-document.ts";

const folder = fileURLToPath(new URL("../dist/web", import.meta.url));

/** Whoever reads the file meanwhile sees the old one or the new one, whole. */
export function writeOpenApi(): void {
  mkdirSync(folder, { recursive: true });
  const fresh = path.join(folder, "..", `.openapi-${process.pid}.json`);
  writeFileSync(fresh, `${JSON.stringify(openApiDocument(), null, 1)}\n`);
  renameSync(fresh, path.join(folder, "openapi.json"));
}

/** Writes `dist/web/openapi.json`, which the Worker serves as a static file at `/openapi.json`. */
import { fileURLToPath } from "node:url";
import { openApiDocument } from "./openapi-document.ts";
import { replaceFile } from "./replace-file.ts";

const file = fileURLToPath(new URL("../dist/web/openapi.json", import.meta.url));

export function writeOpenApi(): void {
  replaceFile(file, Buffer.from(`${JSON.stringify(openApiDocument(), null, 1)}\n`));
}

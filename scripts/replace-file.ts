import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const fresh = fileURLToPath(new URL("../dist/.fresh", import.meta.url));

/**
 * Whoever reads the file meanwhile sees the old one or the new one, whole. A file that would not change is not touched: a server that watches it has nothing to reload,
 * and of two builds at once the second does nothing.
 */
export function replaceFile(file: string, contents: Uint8Array): void {
  if (existsSync(file) && readFileSync(file).equals(contents)) return;
  mkdirSync(path.dirname(file), { recursive: true });
  mkdirSync(fresh, { recursive: true });
  const written = path.join(fresh, `${process.pid}-${path.basename(file)}`);
  writeFileSync(written, contents);
  renameSync(written, file);
}

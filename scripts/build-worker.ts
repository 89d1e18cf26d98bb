/**
 * Builds the Worker: `dist/worker/worker.js` and the chunks that it loads when they are first needed.
 *
 * wrangler's own bundler makes one file of everything. Here what a request rarely needs (the queue's client, operators' routes, …) stands behind a dynamic `import()` and
 * in a chunk of its own, so that a new isolate parses only what every request needs. `wrangler.toml` runs this before `dev` and `deploy`, and with it the description of
 * the API is written anew, which so never lags behind the code.
 */
import { readdirSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { writeOpenApi } from "./build-openapi.ts";
import { replaceFile } from "./replace-file.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const outdir = path.join(root, "dist", "worker");

/**
 * The MCP SDK reaches for zod as a whole, by name, so nothing of it could be left out; it gets a copy of its own, in its chunk, or every isolate would parse all of zod.
 */
const ownZodForMcp: Plugin = {
  name: "own-zod-for-mcp",
  setup(worker) {
    const namespace = "zod-of-mcp";
    const copyOf = async (specifier: string, resolveDir: string) => {
      const found = await worker.resolve(specifier, { resolveDir, kind: "import-statement" });
      return { path: found.path, errors: found.errors, namespace, sideEffects: false };
    };
    worker.onResolve({ filter: /^zod(?:\/|$)/ }, ({ path: specifier, importer, resolveDir }) =>
      importer.includes(path.join("node_modules", "@modelcontextprotocol")) ? copyOf(specifier, resolveDir) : undefined,
    );
    worker.onResolve({ filter: /.*/, namespace }, ({ path: specifier, resolveDir }) => copyOf(specifier, resolveDir));
    worker.onLoad({ filter: /.*/, namespace }, async ({ path: file }) => ({
      contents: await readFile(file, "utf8"),
      resolveDir: path.dirname(file),
    }));
  },
};

/** @throws Error with what esbuild says when the Worker does not compile. */
export async function buildWorker(): Promise<void> {
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ["src/worker.ts"],
    outdir,
    bundle: true,
    splitting: true,
    chunkNames: "chunk-[hash]",
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    plugins: [ownZodForMcp],
    alias: {
      "@upstash/core-analytics": path.join(root, "src/upstash/no-analytics.ts"),
      // Its package.json names the CommonJS build only, of which nothing can be left out.
      "@upstash/ratelimit": path.join(root, "node_modules/@upstash/ratelimit/dist/index.mjs"),
    },
    minify: true,
    // Function names cost 22 KiB and serve nobody: errors carry codes, and source maps carry names.
    keepNames: false,
    sourcemap: "external",
    metafile: true,
    write: false,
    logLevel: "warning",
  });
  for (const { path: file, contents } of outputFiles) replaceFile(file, contents);
  replaceFile(path.join(root, "dist/worker-meta.json"), Buffer.from(JSON.stringify(metafile)));
  removeAllBut(Object.keys(metafile.outputs).map((file) => path.basename(file)));
}

/** Chunks of earlier builds would be deployed too. What is new is there already: a server that watches the folder never finds it empty. */
function removeAllBut(kept: readonly string[]): void {
  for (const file of readdirSync(outdir)) if (!kept.includes(file)) rmSync(path.join(outdir, file), { force: true });
}

if (import.meta.main) {
  await buildWorker();
  writeOpenApi();
}

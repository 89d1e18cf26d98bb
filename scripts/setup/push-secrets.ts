import { spawn } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** What `wrangler.toml` sets; a secret of the same name would be in its way. */
export const deployedVariables: ReadonlySet<string> = new Set(["WORKERS_PLAN", "EGRESS_DNS_URL"]);

const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Hands the values to `wrangler secret bulk` over its standard input: no file and no argument holds them. Resolves to
 * whether wrangler took them; what it says goes to the terminal.
 */
export function pushSecrets(values: Readonly<Record<string, string>>): Promise<boolean> {
  return new Promise((resolve) => {
    const wrangler = path.join(root, "node_modules", "wrangler", "bin", "wrangler.js");
    const child = spawn(process.execPath, [wrangler, "secret", "bulk", "--env", ""], {
      cwd: root,
      stdio: ["pipe", "inherit", "inherit"],
    });
    child.once("error", () => resolve(false));
    child.once("close", (code) => resolve(code === 0));
    // Wrangler may end before it has read all.
    child.stdin.on("error", () => {});
    child.stdin.end(JSON.stringify(values));
  });
}

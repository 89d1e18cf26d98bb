import type { BindingReader } from "./binding-reader.ts";

const localHosts = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** Where anybody else could reach the app, or run it for others, this would be an open door. */
export function readSkipsSignatures(
  read: BindingReader,
  environment: "development" | "production",
  appUrl: string,
): boolean {
  if (!read.has("SKIP_SIGNATURES")) return false;
  if (read.oneOf("SKIP_SIGNATURES", ["0", "1"] as const) === "0") return false;
  const isLocal = localHosts.has(URL.parse(appUrl)?.hostname ?? "");
  if (isLocal && environment === "development") return true;
  read.problems.push(
    "SKIP_SIGNATURES lets in deliveries that nobody has signed: that needs an APP_URL at localhost, 127.0.0.1 or [::1], and ENVIRONMENT set to development.",
  );
  return false;
}

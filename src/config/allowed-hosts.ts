import type { BindingReader } from "./binding-reader.ts";

export function readAllowedHosts(read: BindingReader): ReadonlySet<string> {
  if (!read.has("EGRESS_ALLOWED_HOSTS")) return new Set();
  const hosts = read
    .text(["EGRESS_ALLOWED_HOSTS"], "")
    .split(",")
    .map((host) => host.trim());
  const isHost = (host: string): boolean => URL.parse(`http://${host}`)?.host === host;
  if (!hosts.every(isHost)) {
    read.problems.push(
      "EGRESS_ALLOWED_HOSTS is set, but is no list of hosts such as 127.0.0.1:3000, intranet.example.",
    );
  }
  return new Set(hosts.filter(isHost));
}

/** `content-type` → `Content-Type`: header names are stored and sent in Go's canonical form, as QStash shows them. */
export function canonicalHeaderName(name: string): string {
  return name.toLowerCase().replace(/(^|-)([a-z])/g, (_, dash: string, letter: string) => dash + letter.toUpperCase());
}

const neverDelivered = new Set([
  "host",
  "content-length",
  "connection",
  "keep-alive",
  "transfer-encoding",
  "te",
  "trailer",
  "upgrade",
  "expect",
]);

/**
 * Hop-by-hop and computed headers describe the connection to us; sent on, they break the delivery. The Workflow SDK really
 * does forward the `host` of the request that started a run.
 */
export function isDeliverableHeader(name: string): boolean {
  const lower = name.toLowerCase();
  return !neverDelivered.has(lower) && !lower.startsWith("proxy-");
}

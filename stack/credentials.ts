/**
 * The fixed credentials of the local stack. They are public and guard nothing.
 *
 * Those of QStash are the ones that Upstash's own development server uses, so that an SDK in development mode
 * (`QSTASH_DEV`) recognises ours. Source: `@upstash/qstash` `src/dev-server/constants.ts`.
 */
export const LOCAL_CREDENTIALS = {
  redisToken: "local_token",
  redisReadOnlyToken: "local_read_only_token",
  qstashToken: "eyJVc2VySUQiOiJkZWZhdWx0VXNlciIsIlBhc3N3b3JkIjoiZGVmYXVsdFBhc3N3b3JkIn0=",
  currentSigningKey: "sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r",
  nextSigningKey: "sig_5ZB6DVzB1wjE8S6rZ7eenA8Pdnhs",
  modelApiKey: "local-model-key",
} as const;

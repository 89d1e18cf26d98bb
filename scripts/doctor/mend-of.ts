import { setupCommand } from "../environment/finding.ts";
import { fromEnvironment, fromNpmStart, type Binding } from "../environment/read-environment.ts";
import { wizardNames } from "../setup/questions.ts";

/** Right values of what the wizard does not ask for, all of which an app can do without. Where they cannot be known, they show the form. */
export const exampleValues: Readonly<Record<string, string>> = {
  MODEL_CONTEXT_TOKENS: "32000",
  MODEL_PRICES: '{"gpt-5-mini":{"input":0.25,"output":2}}',
  EMBEDDING_BASE_URL: "https://api.openai.com/v1",
  EMBEDDING_API_KEY: "the-key-of-your-provider",
  EMBEDDING_NAME: "text-embedding-3-small",
  EMBEDDING_DIMENSIONS: "512",
  SKIP_SIGNATURES: "0",
  WORKERS_PLAN: "free",
  ALERT_WEBHOOK_URL: "https://chat.example.com/webhook",
  ALERT_THRESHOLDS: '{"parkedRuns":1,"deadLetters":1,"failures":20}',
  RESTAURANT_URL: "https://restaurants.example.com",
  EGRESS_ALLOWED_HOSTS: "intranet.example.com",
  EGRESS_DNS_URL: "https://cloudflare-dns.com/dns-query",
  AUTH_ISSUER: "https://login.example.com/",
  AUTH_AUDIENCE: "skipstone",
  AUTH_JWKS_URL: "https://login.example.com/.well-known/jwks.json",
  AUTH_JWT_SECRET: "at-least-32-characters-that-both-sides-know",
  AUTH_ALGORITHM: "RS256",
  AUTH_TENANT_CLAIM: "org",
  ENCRYPTION_CLEAR: "read",
  TOKENS_PER_DAY: "200000",
  LOG_LEVEL: "info",
};

/** What `npm start` makes by itself, and what nothing was stored by. */
const namesOfStart: ReadonlySet<string> = new Set(["SESSION_SECRET", "INTERNAL_SYSTEM_KEY", "ENVIRONMENT"]);

/**
 * What mends a variable: the wizard where it asks for it or makes it, else the line to write. The environment goes before the file, so what is wrong there is
 * mended there; over the local stack nobody needs the wizard.
 *
 * @param problem a sentence of the configuration, which begins with the name; or the name alone.
 */
export function mendOf(problem: string, bindings?: ReadonlyMap<string, Binding>): string {
  const [name = ""] = problem.split(" ");
  const isOfEnvironment = bindings?.get(name)?.source === fromEnvironment;
  const isLocal = bindings?.get("UPSTASH_REDIS_REST_URL")?.source === fromNpmStart;
  if (isLocal && !isOfEnvironment && namesOfStart.has(name)) return withoutLine(name);
  if (wizardNames.includes(name)) return isOfEnvironment ? `unset ${name}, then ${setupCommand}` : setupCommand;
  const value = exampleValues[name] ?? "…";
  if (isOfEnvironment) return `export ${name}='${value}', or unset ${name}`;
  const alone = name === "AUTH_JWKS_URL" ? ", and none of AUTH_JWT_SECRET" : "";
  return `the line ${name}=${value} in .dev.vars${alone}, or none of ${name}`;
}

/** `npm start` has a right value for it. */
function withoutLine(name: string): string {
  const other = name === "ENVIRONMENT" ? "" : ", or give it what openssl rand -hex 32 prints";
  return `take the line ${name} out of .dev.vars${other}`;
}

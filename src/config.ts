/**
 * The bindings of the Worker (strings) as a typed `Config`.
 *
 * All problems of an environment are reported at once, each with the variable and the way to get it, so that nobody has
 * to deploy five times. Values are never printed: a wrong one may be a secret in the wrong place.
 */
import * as z from "zod/mini";
import { readAllowedHosts } from "./config/allowed-hosts.ts";
import { BindingReader, type Bindings } from "./config/binding-reader.ts";
import { readEncryption, type EncryptionConfig } from "./config/encryption.ts";
import { readIdentityProvider, type IdentityProvider } from "./config/identity-provider.ts";
import { readSkipsSignatures } from "./config/skips-signatures.ts";
import { AppError } from "./core/errors.ts";
import { Secret } from "./core/secret.ts";
import { parseJson } from "./core/json.ts";
import { isLogLevel } from "./system/log.ts";
import type { LogLevel } from "./system/log.ts";

export interface Config {
  readonly environment: "development" | "production";
  readonly logLevel: LogLevel;
  /** Public base URL of the app, without a slash at the end. */
  readonly appUrl: string;
  readonly redis: { readonly url: string; readonly token: Secret };
  /** Absent when no token is set: then there is no queue. */
  readonly qstash: QstashConfig | undefined;
  /** Who brings runs from segment to segment. */
  readonly queue: "qstash" | "fetch";
  /** Whose limits a segment has to fit into. */
  readonly workersPlan: "free" | "paid";
  /** Proves operators, and the calls that the app makes to itself. Absent: one that is derived from the session secret does. */
  readonly internalKey: Secret | undefined;
  readonly alerts: {
    /** Told of incidents; absent: they are logged. */
    readonly webhookUrl: string | undefined;
    /** From which reading on there is an incident, by rule. */
    readonly thresholds: AlertThresholds;
  };
  /** Deliveries without a signature are let in; never in production, and never where others can reach the app. */
  readonly skipsSignatures: boolean;
  /** Model tokens that each user may spend in a day; absent: nobody counts them. */
  readonly tokensPerDay: number | undefined;
  /** The example saga's restaurants; absent where there are none. */
  readonly restaurantUrl: string | undefined;
  /** What tools may reach. */
  readonly egress: {
    /** Resolves names before they are fetched; absent: nobody does. */
    readonly dnsUrl: string | undefined;
    /** `host` or `host:port` that need not be public. */
    readonly allowedHosts: ReadonlySet<string>;
  };
  readonly model: {
    readonly baseUrl: string;
    readonly apiKey: Secret;
    readonly name: string;
    /** What a request may hold, as far as we can estimate it. */
    readonly contextTokens: number;
  };
  /** By the model's name; US dollars for a million tokens. A model without one counts as free. */
  readonly modelPrices: ModelPrices;
  /** Absent when no endpoint is set: then knowledge is found by its words. */
  readonly embedding: EmbeddingConfig | undefined;
  readonly sessionSecret: Secret;
  /** Whose tokens are taken; absent: nobody's. */
  readonly identityProvider: IdentityProvider | undefined;
  readonly encryption: EncryptionConfig;
}

export type ModelPrices = Readonly<Record<string, { readonly input: number; readonly output: number }>>;

/** Of a model by its name, of the configured one without; nothing for one that has no price. */
export function modelPrice({ model, modelPrices }: Config, name = model.name): ModelPrices[string] {
  return modelPrices[name] ?? { input: 0, output: 0 };
}

export interface QstashConfig {
  readonly url: string;
  readonly token: Secret;
  readonly currentSigningKey: Secret;
  readonly nextSigningKey: Secret;
}

export interface EmbeddingConfig {
  readonly baseUrl: string;
  readonly apiKey: Secret;
  readonly name: string;
  /** Length of the vectors, for models that shorten them on request. */
  readonly dimensions: number | undefined;
}

/** `misconfigured`, with each problem as one sentence. */
export class ConfigError extends AppError {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super("misconfigured", `The environment is incomplete: ${problems.join(" ")}`);
    this.problems = problems;
  }
}

const parsed = new WeakMap<Bindings, Config>();

/**
 * Reads the environment, once per `env` object.
 *
 * @throws misconfigured (park) as a `ConfigError` that lists every problem.
 */
export function parseConfig(env: Bindings): Config {
  const known = parsed.get(env);
  if (known !== undefined) return known;
  const config = readConfig(new BindingReader(env));
  parsed.set(env, config);
  return config;
}

const upstashConsole = "the Upstash console shows it under your Redis database, REST API";
const qstashConsole = "the Upstash console shows it under QStash";
/** Of the first region, as in Upstash's SDKs. */
export const qstashUrl = "https://qstash.upstash.io";

function readConfig(read: BindingReader): Config {
  const environment = read.oneOf("ENVIRONMENT", ["development", "production"] as const);
  const qstash = readQstash(read);
  const appUrl = read.url(["APP_URL"], "the public address of this app, for example https://chat.example.com");
  const config: Config = {
    environment,
    logLevel: readLogLevel(read),
    appUrl,
    redis: {
      url: read.url(["UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_URL"], upstashConsole),
      token: read.secret(["UPSTASH_REDIS_REST_TOKEN", "UPSTASH_REDIS_TOKEN"], upstashConsole),
    },
    qstash,
    queue: readQueue(read, environment, qstash),
    workersPlan: read.has("WORKERS_PLAN") ? read.oneOf("WORKERS_PLAN", ["free", "paid"] as const) : "free",
    internalKey: readInternalKey(read),
    alerts: {
      webhookUrl: read.has("ALERT_WEBHOOK_URL")
        ? read.url(["ALERT_WEBHOOK_URL"], "where incidents are told of, for example a webhook of your chat program")
        : undefined,
      thresholds: readThresholds(read),
    },
    skipsSignatures: readSkipsSignatures(read, environment, appUrl),
    tokensPerDay: read.has("TOKENS_PER_DAY") ? read.count("TOKENS_PER_DAY", tokensPerDay) : undefined,
    restaurantUrl: read.has("RESTAURANT_URL")
      ? read.url(["RESTAURANT_URL"], "the address of the restaurant service of the example saga")
      : undefined,
    model: {
      baseUrl: read.url(
        ["MODEL_BASE_URL"],
        "the base address of an OpenAI-compatible API, for example https://api.openai.com/v1",
      ),
      apiKey: read.secret(["MODEL_API_KEY"], "the API key of your model provider"),
      name: read.text(["MODEL_NAME"], "the name of a model of your provider, for example gpt-5-mini"),
      contextTokens: read.has("MODEL_CONTEXT_TOKENS")
        ? read.count("MODEL_CONTEXT_TOKENS", contextTokens)
        : contextTokens.usual,
    },
    modelPrices: readModelPrices(read),
    egress: {
      dnsUrl: read.has("EGRESS_DNS_URL")
        ? read.url(
            ["EGRESS_DNS_URL"],
            "a resolver that speaks application/dns-json, for example https://cloudflare-dns.com/dns-query",
          )
        : undefined,
      allowedHosts: readAllowedHosts(read),
    },
    embedding: readEmbedding(read),
    sessionSecret: readSessionSecret(read),
    identityProvider: readIdentityProvider(read, environment),
    encryption: readEncryption(read),
  };
  if (read.problems.length > 0) throw new ConfigError(read.problems);
  return config;
}

/** Less holds no turn with its tools; more than a million no model takes. */
const contextTokens = { min: 2_000, max: 1_000_000, usual: 32_000 };
const tokensPerDay = { min: 1, max: 1_000_000_000_000 };
const embeddingDimensions = { min: 8, max: 2_048 };

function readEmbedding(read: BindingReader): EmbeddingConfig | undefined {
  if (!["EMBEDDING_BASE_URL", "EMBEDDING_API_KEY", "EMBEDDING_NAME"].some((name) => read.has(name))) return undefined;
  return {
    baseUrl: read.url(["EMBEDDING_BASE_URL"], "the base address of an OpenAI-compatible API that has /embeddings"),
    apiKey: read.secret(["EMBEDDING_API_KEY"], "the API key of your embedding provider"),
    name: read.text(["EMBEDDING_NAME"], "the name of an embedding model, for example text-embedding-3-small"),
    dimensions: read.has("EMBEDDING_DIMENSIONS") ? read.count("EMBEDDING_DIMENSIONS", embeddingDimensions) : undefined,
  };
}

function readQstash(read: BindingReader): QstashConfig | undefined {
  if (!read.has("QSTASH_TOKEN")) return undefined;
  return {
    url: read.has("QSTASH_URL") ? read.url(["QSTASH_URL"], qstashConsole) : qstashUrl,
    token: read.secret(["QSTASH_TOKEN"], qstashConsole),
    currentSigningKey: read.secret(["QSTASH_CURRENT_SIGNING_KEY"], qstashConsole),
    nextSigningKey: read.secret(["QSTASH_NEXT_SIGNING_KEY"], qstashConsole),
  };
}

/** Without QStash the app can call itself, which loses what a real queue would not: in production nobody gets that by mistake. */
function readQueue(
  read: BindingReader,
  environment: Config["environment"],
  qstash: QstashConfig | undefined,
): Config["queue"] {
  const asked = read.has("QUEUE") ? read.oneOf("QUEUE", ["qstash", "fetch"] as const) : undefined;
  if (asked === "fetch" || (asked === undefined && qstash !== undefined)) return asked ?? "qstash";
  if (qstash === undefined && (asked === "qstash" || environment === "production")) {
    read.problems.push(
      `QSTASH_TOKEN is not set: ${qstashConsole}; or set QUEUE to fetch to run without a queue, where what is lost waits for the sweep.`,
    );
  }
  return qstash === undefined ? "fetch" : "qstash";
}

const ModelPricesText = z.record(
  z.string(),
  z.strictObject({ input: z.number().check(z.gte(0)), output: z.number().check(z.gte(0)) }),
);

function readModelPrices(read: BindingReader): ModelPrices {
  if (!read.has("MODEL_PRICES")) return {};
  const prices = ModelPricesText.safeParse(parseJson(read.text(["MODEL_PRICES"], "")));
  if (prices.success) return prices.data;
  read.problems.push(
    'MODEL_PRICES is set, but is no JSON like {"gpt-5-mini": {"input": 0.25, "output": 2}}, US dollars for a million tokens.',
  );
  return {};
}

const threshold = z.exactOptional(z.number().check(z.positive()));
const ThresholdsText = z.strictObject({
  parkedRuns: threshold,
  deadLetters: threshold,
  failures: threshold,
  spendUsd: threshold,
});
export type AlertThresholds = Readonly<z.infer<typeof ThresholdsText>>;

function readThresholds(read: BindingReader): AlertThresholds {
  if (!read.has("ALERT_THRESHOLDS")) return { parkedRuns: 1, deadLetters: 1, failures: 20 };
  const thresholds = ThresholdsText.safeParse(parseJson(read.text(["ALERT_THRESHOLDS"], "")));
  if (thresholds.success) return thresholds.data;
  read.problems.push(
    'ALERT_THRESHOLDS is set, but is no JSON like {"parkedRuns": 1, "deadLetters": 1, "failures": 20, "spendUsd": 10}.',
  );
  return {};
}

function readInternalKey(read: BindingReader): Secret | undefined {
  if (!read.has("INTERNAL_SYSTEM_KEY")) return undefined;
  const key = read.secret(["INTERNAL_SYSTEM_KEY"], "");
  if (key.reveal().length < sessionSecretCharsMin) {
    read.problems.push(
      `INTERNAL_SYSTEM_KEY has fewer than ${sessionSecretCharsMin} characters; make one with \`openssl rand -hex 32\`.`,
    );
  }
  return key;
}

/** Shorter ones can be guessed from one signed cookie. */
const sessionSecretCharsMin = 32;

function readSessionSecret(read: BindingReader): Secret {
  const secret = read.secret(["SESSION_SECRET"], "make one with `openssl rand -hex 32`");
  const { length } = secret.reveal();
  if (length > 0 && length < sessionSecretCharsMin) {
    read.problems.push(
      `SESSION_SECRET has ${length} characters but needs at least ${sessionSecretCharsMin}; make one with \`openssl rand -hex 32\`.`,
    );
  }
  return secret;
}

function readLogLevel(read: BindingReader): LogLevel {
  if (!read.has("LOG_LEVEL")) return "info";
  const level = read.text(["LOG_LEVEL"], "");
  if (isLogLevel(level)) return level;
  read.problems.push("LOG_LEVEL is set, but to none of debug, info, warn, error; leave it out for info.");
  return "info";
}

/** What the wizard asks for: four groups, each checked as a whole. */
import { randomBytes } from "node:crypto";
import { checkModel } from "../environment/check-model.ts";
import { readSigningKeys } from "../environment/check-qstash.ts";
import { checkRedis } from "../environment/check-redis.ts";
import { ok, wrong, type Finding } from "../environment/finding.ts";

export interface Question {
  readonly name: string;
  /** Other names under which the value is accepted. */
  readonly aliases?: readonly string[];
  readonly words: string;
  readonly isSecret?: true;
  readonly placeholder?: string;
}

export interface Group {
  readonly title: string;
  readonly where: string;
  /** Asked first; no leaves the whole group out. */
  readonly optional?: string;
  readonly questions: readonly Question[];
  /** Asks the service. What it finds out by itself comes back as `values`. */
  check(answers: Answers): Promise<Checked>;
}

export type Answers = Readonly<Record<string, string>>;

export interface Checked {
  readonly findings: readonly Finding[];
  readonly values?: Answers;
}

const redis: Group = {
  title: "Upstash Redis",
  where: "https://console.upstash.com → Redis → your database → REST API",
  questions: [
    {
      name: "UPSTASH_REDIS_REST_URL",
      aliases: ["UPSTASH_REDIS_URL"],
      words: "REST URL",
      placeholder: "https://example-12345.upstash.io",
    },
    { name: "UPSTASH_REDIS_REST_TOKEN", aliases: ["UPSTASH_REDIS_TOKEN"], words: "REST token", isSecret: true },
  ],
  async check(answers) {
    const { UPSTASH_REDIS_REST_URL: url = "", UPSTASH_REDIS_REST_TOKEN: token = "" } = answers;
    return { findings: await checkRedis(url, token) };
  },
};

const qstash: Group = {
  title: "Upstash QStash",
  where: "https://console.upstash.com → QStash",
  optional: "Use QStash? Without it the app calls itself, and what is lost waits for the sweep.",
  questions: [
    { name: "QSTASH_URL", words: "URL of your region", placeholder: "https://qstash-us-east-1.upstash.io" },
    { name: "QSTASH_TOKEN", words: "Token", isSecret: true },
  ],
  async check({ QSTASH_URL: url = "", QSTASH_TOKEN: token = "" }) {
    const keys = await readSigningKeys({ url, token });
    if ("isOk" in keys) return { findings: [keys] };
    return {
      findings: [ok("QStash accepts the token."), ok("Both signing keys are read from your account.")],
      values: { QSTASH_CURRENT_SIGNING_KEY: keys.current, QSTASH_NEXT_SIGNING_KEY: keys.next },
    };
  },
};

const model: Group = {
  title: "Language model",
  where: "any provider with an OpenAI-compatible chat completions API",
  questions: [
    { name: "MODEL_BASE_URL", words: "Base URL", placeholder: "https://api.openai.com/v1" },
    { name: "MODEL_API_KEY", words: "API key", isSecret: true },
    { name: "MODEL_NAME", words: "Name of the model", placeholder: "gpt-5-mini" },
  ],
  async check({ MODEL_BASE_URL: baseUrl = "", MODEL_API_KEY: apiKey = "", MODEL_NAME: name = "" }) {
    return { findings: [await checkModel({ baseUrl, apiKey, name })] };
  },
};

const app: Group = {
  title: "The app",
  where: "how browsers and QStash reach it; http://127.0.0.1:8787 for npm start",
  questions: [{ name: "APP_URL", words: "Public URL", placeholder: "http://127.0.0.1:8787" }],
  check({ APP_URL: url = "" }) {
    const isUrl = /^https?:$/.test(URL.parse(url)?.protocol ?? "");
    const finding = isUrl ? ok("That is a URL.") : wrong("That is no http(s) URL.", "set APP_URL");
    return Promise.resolve({ findings: [finding] });
  },
};

export const groups: readonly Group[] = [redis, qstash, model, app];

/** Values that nobody has to think of. What is there already is kept: a new secret would end every session, and a new key could open nothing. */
export function generatedValues(has: (name: string) => boolean): Map<string, string> {
  const values = new Map<string, string>();
  for (const name of ["SESSION_SECRET", "INTERNAL_SYSTEM_KEY"])
    if (!has(name)) values.set(name, randomBytes(32).toString("hex"));
  if (!has("ENCRYPTION_KEYS")) values.set("ENCRYPTION_KEYS", `k1:${randomBytes(32).toString("base64")}`);
  if (!has("ENVIRONMENT")) values.set("ENVIRONMENT", "development");
  return values;
}

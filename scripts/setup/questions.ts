/** What the wizard asks for: four groups, each checked as a whole; and what it makes by itself. */
import { randomBytes } from "node:crypto";
import { ConfigError, parseConfig, qstashUrl } from "../../src/config.ts";
import { checkModel } from "../environment/check-model.ts";
import { readSigningKeys } from "../environment/check-qstash.ts";
import { checkRedis } from "../environment/check-redis.ts";
import { ok, setupCommand, wrong, type Finding } from "../environment/finding.ts";

export interface Question {
  readonly name: string;
  /** Other names under which the value is accepted. */
  readonly aliases?: readonly string[];
  readonly words: string;
  readonly isSecret?: true;
  readonly placeholder?: string;
  /** Taken where nothing is given. */
  readonly usual?: string;
}

export interface Group {
  readonly title: string;
  readonly where: string;
  /** Absent where the app needs the group. */
  readonly optional?: Choice;
  readonly questions: readonly Question[];
  /** Asks the service. What it finds out by itself comes back as `values`. */
  check(answers: Answers): Promise<Checked>;
}

/** Whether a group is taken stands in a variable of its own, so that a later choice replaces an earlier one. */
export interface Choice {
  /** Asked first; no leaves the whole group out. */
  readonly words: string;
  /** What becomes of an app without it. */
  readonly without: string;
  readonly name: string;
  readonly taken: string;
  readonly leftOut: string;
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

const withoutQstash = "the app calls itself, and what is lost waits for the sweep";
const qstash: Group = {
  title: "Upstash QStash",
  where: "https://console.upstash.com → QStash",
  optional: {
    words: `Use QStash? Without it ${withoutQstash}.`,
    without: withoutQstash,
    name: "QUEUE",
    taken: "qstash",
    leftOut: "fetch",
  },
  questions: [
    { name: "QSTASH_URL", words: "URL of your region", placeholder: qstashUrl, usual: qstashUrl },
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
    const finding = isUrl ? ok("That is a URL.") : wrong("APP_URL: that is no http(s) URL.", setupCommand);
    return Promise.resolve({ findings: [finding] });
  },
};

export const groups: readonly Group[] = [redis, qstash, model, app];

const randomSecret = (): string => randomBytes(32).toString("hex");

/** Values that nobody has to think of. What is there and right is kept: a new secret would end every session, and a new key could open nothing. */
export const generated: Readonly<Record<string, () => string>> = {
  SESSION_SECRET: randomSecret,
  INTERNAL_SYSTEM_KEY: randomSecret,
  ENCRYPTION_KEYS: () => `k1:${randomBytes(32).toString("base64")}`,
  ENVIRONMENT: () => "development",
};

/** Every name that the wizard writes. */
export const wizardNames: readonly string[] = [
  ...groups.flatMap(({ questions, optional }) => [
    ...questions.flatMap(({ name, aliases = [] }) => [name, ...aliases]),
    ...(optional === undefined ? [] : [optional.name]),
  ]),
  "QSTASH_CURRENT_SIGNING_KEY",
  "QSTASH_NEXT_SIGNING_KEY",
  ...Object.keys(generated),
];

/** Why the app would refuse this value, which it shows nothing of; `undefined` for one that it takes. */
export function problemOf(name: string, value: string): string | undefined {
  try {
    parseConfig({ [name]: value });
  } catch (cause) {
    if (cause instanceof ConfigError) return cause.problems.find((problem) => problem.startsWith(`${name} `));
    throw cause;
  }
  return undefined;
}

import type { RunningStack } from "../../stack/start-stack.ts";

/** One of Upstash's own test suites: where it comes from and what it needs to run against the local stack. */
export interface Suite {
  /** The name of its repository, and of its folder. */
  name: string;
  /** Where its package.json stands inside the repository. */
  packageFolder: string;
  /** Whether a lock file that bun can read says which versions to install. */
  isLocked: boolean;
  /** What bun is to run: files, or folders of files. */
  tests: readonly string[];
  /** Fewer means that something kept tests from running; the number is what ran when it was written here. */
  testCountMin: number;
  /** One stack for each; 0 is any free port. A number stands there only where the suite itself insists on it. */
  ports: readonly number[];
  environment(stacks: readonly RunningStack[]): Record<string, string>;
}

/** The port of a development server that qstash-js looks for. Source: qstash-js `src/dev-server/index.test.ts`. */
const QSTASH_DEV_PORT = 8181;

export const suites: readonly Suite[] = [
  {
    name: "redis-js",
    packageFolder: "packages/redis",
    isLocked: false,
    tests: ["pkg"],
    testCountMin: 825,
    ports: [0],
    environment: ([stack]) => redisVariables("UPSTASH", stack),
  },
  {
    name: "qstash-js",
    packageFolder: ".",
    isLocked: true,
    tests: ["src"],
    testCountMin: 370,
    ports: [0, QSTASH_DEV_PORT],
    // The language model's key only has to be there: what would use it needs the internet.
    environment: ([stack]) => ({ ...qstashVariables(stack), OPENAI_API_KEY: "none" }),
  },
  {
    name: "ratelimit-js",
    packageFolder: ".",
    isLocked: true,
    tests: ["src"],
    testCountMin: 160,
    ports: [0, 0, 0, 0],
    environment: ([stack, europe, asia, america]) => ({
      ...redisVariables("UPSTASH", stack),
      ...redisVariables("EU2_UPSTASH", europe),
      ...redisVariables("APN_UPSTASH", asia),
      ...redisVariables("US1_UPSTASH", america),
    }),
  },
  {
    name: "workflow-js",
    packageFolder: ".",
    isLocked: true,
    tests: ["src"],
    testCountMin: 355,
    ports: [0],
    environment: ([stack]) => qstashVariables(stack),
  },
];

function redisVariables(prefix: string, stack: RunningStack | undefined): Record<string, string> {
  if (stack === undefined) throw new Error(`no stack for ${prefix}`);
  return { [`${prefix}_REDIS_REST_URL`]: stack.redisUrl, [`${prefix}_REDIS_REST_TOKEN`]: stack.redisToken };
}

function qstashVariables(stack: RunningStack | undefined): Record<string, string> {
  if (stack === undefined) throw new Error("no stack for QStash");
  return { QSTASH_URL: stack.qstashUrl, QSTASH_TOKEN: stack.qstashToken };
}

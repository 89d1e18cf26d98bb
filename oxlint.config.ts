import { defineConfig } from "oxlint";
import type { OxlintOverride } from "oxlint";

/**
 * What the linter holds: bugs, floating promises, cycles, and the way imports may point.
 *
 * The rooms of src/ in the order of imports: http → agent, saga, schedule, mcp → tool, memory → engine → event → core. session, limit and
 * cache stand beside them, under http. Adapters (upstash, model, system) know the ports of the rooms, and only wire.ts
 * and wire/ know the adapters. `test/tidy.test.ts` proves with bad snippets that these bans really bite.
 */
const allRooms = [
  "http",
  "agent",
  "saga",
  "schedule",
  "mcp",
  "tool",
  "memory",
  "ops",
  "engine",
  "event",
  "core",
  "session",
  "limit",
  "cache",
];
const adapters = ["upstash", "model", "system"];

const mayImport: Record<string, readonly string[]> = {
  http: allRooms,
  agent: ["limit", "tool", "memory", "engine", "event", "core"],
  saga: ["tool", "engine", "core"],
  schedule: ["tool", "engine", "core"],
  mcp: ["tool", "engine", "core"],
  tool: ["engine", "event", "core"],
  memory: ["engine", "event", "core"],
  ops: ["engine", "event", "core"],
  engine: ["event", "core"],
  event: ["core"],
  core: [],
  session: ["core"],
  limit: ["core"],
  cache: ["core"],
  upstash: allRooms,
  model: ["agent", "memory", "engine", "core"],
  system: ["agent", "saga", "tool", "engine", "session", "core"],
};

interface ImportBan {
  regex: string;
  message: string;
}

/** The Worker runs neither Node nor the local stack; it learns of both by URL alone. */
const notInWorker: readonly ImportBan[] = [
  { regex: "^node:", message: "The Worker has no Node API." },
  {
    regex: "^(\\.\\./)+(stack|web|test|bench|scripts)/",
    message: "src/ stands alone: nothing outside of it is imported.",
  },
];

const vendors: readonly { owners: readonly string[]; ban: ImportBan }[] = [
  { owners: ["upstash"], ban: { regex: "^@upstash/", message: "Only src/upstash knows Upstash's SDKs." } },
  {
    owners: ["upstash", "model"],
    ban: { regex: "^eventsource-parser", message: "Only adapters read a vendor's stream." },
  },
];

const onlyHttp: ImportBan = { regex: "^hono(/|$)", message: "Nothing below http/ knows HTTP." };

function bansOfRoom(room: string): ImportBan[] {
  const allowed = mayImport[room] ?? [];
  const above = [...allRooms, ...adapters].filter((other) => other !== room && !allowed.includes(other));
  return [
    ...notInWorker,
    ...vendors.filter(({ owners }) => !owners.includes(room)).map(({ ban }) => ban),
    ...(room === "http" ? [] : [onlyHttp]),
    { regex: `^(\\.\\./)+(${above.join("|")})/`, message: `${room}/ imports downwards only (DESIGN order of rooms).` },
    {
      regex: `^(\\.\\./)+(worker|${room === "http" ? "" : "app|wire|config|"}index)\\.ts$`,
      message: "Rooms do not know how they are wired.",
    },
  ];
}

/**
 * The files that stand in no room: each sees what its job needs. Clock, log and random are there before anything is
 * wired, since the error edge works even when the configuration is wrong.
 */
const bansOfFile: Record<string, ImportBan[]> = {
  "src/worker.ts": [{ regex: "^\\./(upstash|model)/", message: "Only wire.ts imports adapters." }],
  "src/app.ts": [{ regex: "^\\./(upstash|model)/", message: "Only wire.ts imports adapters." }],
  "src/config.ts": [
    {
      regex: `^\\./(${[...allRooms, ...adapters].filter((room) => room !== "core" && room !== "system").join("|")})/`,
      message: "config.ts stands on core/ and system/ alone.",
    },
    onlyHttp,
  ],
  "src/config/**": [
    {
      regex: `^(\\.\\./)+(${[...allRooms, ...adapters].filter((room) => room !== "core").join("|")})/`,
      message: "config/ stands on core/ alone.",
    },
    onlyHttp,
  ],
  "src/wire.ts": [onlyHttp],
  "src/wire/**": [onlyHttp],
};

function restrict(files: string[], patterns: readonly ImportBan[]): OxlintOverride {
  return { files, rules: { "no-restricted-imports": ["error", { patterns: [...patterns] }] } };
}

export default defineConfig({
  plugins: ["eslint", "typescript", "unicorn", "oxc", "import", "promise", "vitest"],
  categories: { correctness: "error", suspicious: "error", perf: "error" },
  options: { typeAware: true, denyWarnings: true, reportUnusedDisableDirectives: "error" },
  ignorePatterns: ["worker-configuration.d.ts", "dist", ".*.ts", "test/.tmp", "bench/.tmp", ".wrangler", ".stack"],
  rules: {
    "typescript/no-floating-promises": "error",
    "typescript/no-misused-promises": "error",
    "import/no-cycle": "error",
    "import/no-default-export": "error",
    "max-lines": ["error", { max: 300 }],
    // The second argument of expect() is the sentence that a failure shows.
    "vitest/valid-expect": ["error", { maxArgs: 2 }],
    // Loops here wait on purpose: order is the promise, and a batch goes out as one pipeline instead.
    "no-await-in-loop": "off",
    // Bytes from outside are narrowed right where they are validated; elsewhere a cast is seen in review.
    "typescript/no-unsafe-type-assertion": "off",
    // Ports are records of functions and none of them reads `this`.
    "typescript/unbound-method": "off",
    // TypeScript checks returned values; an effect or a visitor may return early with nothing.
    "typescript/consistent-return": "off",
    // A class without members still is a name that `instanceof` and a constructor can use.
    "typescript/no-extraneous-class": "off",
    // JSON strings are told apart by their control characters.
    "no-control-regex": "off",
    // Does not see that a callback changes the variable.
    "no-unmodified-loop-condition": "off",
    "promise/always-return": "off",
    "unicorn/consistent-function-scoping": "off",
    // Style sheets and type augmentations are imported for what they do.
    "import/no-unassigned-import": "off",
    // `fc.record` reads better than a bare `record`.
    "import/no-named-as-default-member": "off",
    // Meant for Express, which loses a rejection; Hono hands it to the error edge.
    "oxc/no-async-endpoint-handlers": "off",
    "oxc/no-map-spread": "off",
  },
  overrides: [
    {
      files: ["*.config.ts", "web/vite.config.ts", "bench/**/{worker,replay-worker}.ts", "test/support/**/worker.ts"],
      rules: { "import/no-default-export": "off" },
    },
    {
      files: ["test/**"],
      rules: {
        // A test may assert through a function of its file, named by what it expects.
        "vitest/expect-expect": ["error", { assertFunctionNames: ["expect", "expect*", "expectTypeOf", "fc.assert"] }],
        "vitest/no-standalone-expect": "off",
        // An answer is narrowed by an expectation on its kind; the type system asks for the branch.
        "vitest/no-conditional-expect": "off",
        "vitest/require-to-throw-message": "off",
        // What a failing expectation prints may be "[object Object]"; it fails all the same.
        "typescript/no-base-to-string": "off",
      },
    },
    ...Object.keys(mayImport).map((room) => restrict([`src/${room}/**`], bansOfRoom(room))),
    ...Object.entries(bansOfFile).map(([file, bans]) =>
      restrict([file], [...notInWorker, ...vendors.map(({ ban }) => ban), ...bans]),
    ),
    restrict(["stack/**"], [{ regex: "^(\\.\\./)+src/", message: "The stack is a product of its own." }]),
  ],
});

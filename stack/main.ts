/**
 * The local stack alone, for programs that are started in another way:
 *
 *   node stack/main.ts --port 8080 --redis-url redis://127.0.0.1:6379 --persist .stack/data
 */
import "./quiet-warnings.ts";
import { parseArgs } from "node:util";
import { explainFailure, onInterrupt, parseBytes, parsePort } from "./command-line.ts";
import { startStack } from "./start-stack.ts";

try {
  const { values } = parseArgs({
    options: {
      port: { type: "string" },
      host: { type: "string" },
      "redis-url": { type: "string" },
      persist: { type: "string" },
      fresh: { type: "boolean" },
      "lazy-fetch-bytes": { type: "string" },
    },
  });
  const lazyFetchBytes = parseBytes(values["lazy-fetch-bytes"], "--lazy-fetch-bytes");
  const redisUrl = values["redis-url"] ?? process.env["REDIS_URL"];
  if (values.persist === "") throw new Error("--persist needs the name of a folder.");
  if (values.fresh === true && values.persist === undefined)
    throw new Error("--fresh empties the folder of --persist.");
  const stack = await startStack({
    port: parsePort(values.port ?? process.env["STACK_PORT"], 8080, "--port"),
    ...(values.host === undefined ? {} : { host: values.host }),
    ...(redisUrl === undefined || redisUrl === "" ? {} : { redisUrl }),
    ...(values.persist === undefined ? {} : { persistDir: values.persist, isFresh: values.fresh === true }),
    ...(lazyFetchBytes === undefined ? {} : { lazyFetchBytes }),
  });
  // The SDK's development mode waits for a line that says "running at".
  console.log(`Skipstone local stack running at ${stack.url}

  UPSTASH_REDIS_REST_URL=${stack.redisUrl}
  UPSTASH_REDIS_REST_TOKEN=${stack.redisToken}
  QSTASH_URL=${stack.qstashUrl}
  QSTASH_TOKEN=${stack.qstashToken}
  QSTASH_CURRENT_SIGNING_KEY=${stack.currentSigningKey}
  QSTASH_NEXT_SIGNING_KEY=${stack.nextSigningKey}
  MODEL_BASE_URL=${stack.modelBaseUrl}
  MODEL_API_KEY=${stack.modelApiKey}

${values.persist === undefined ? "Everything is forgotten at the end; --persist DIR keeps it." : `The state is kept in ${values.persist}.`}
Control: ${stack.url}/_stack (see stack/README.md). Ctrl-C stops it.`);
  onInterrupt(() => stack.close());
} catch (cause) {
  explainFailure(cause, { portSetting: "--port 8081 (or STACK_PORT=8081)", folderSetting: "--persist .stack/other" });
}

import { log } from "@clack/prompts";
import { readFileSync } from "node:fs";
import { ConfigError, parseConfig } from "../../src/config.ts";
import { mendOf } from "../doctor/mend-of.ts";
import { fileOption, mendFor } from "../environment/command-line.ts";
import { wrong, type Finding } from "../environment/finding.ts";
import { isPublicUrl } from "../environment/is-public-url.ts";
import { devVarsFile } from "../environment/read-environment.ts";
import { readVars } from "../environment/vars-text.ts";
import { tell } from "./person.ts";
import { deployedVariables, pushSecrets } from "./push-secrets.ts";

/** Makes what a file holds secrets of the deployed Worker, if that would take them. Resolves to whether they are. */
export async function push(file: string): Promise<boolean> {
  const secrets = secretsIn(readFileSync(file, "utf8"));
  const problems = problemsOf(secrets, file);
  tell(problems);
  if (problems.length > 0) {
    log.error("Nothing was pushed.");
    return false;
  }
  const isPushed = await pushSecrets(secrets);
  if (!isPushed) {
    const again = mendFor("npm run setup -- --yes --push", file);
    log.error(`wrangler did not take the secrets; it says why above.\n→ npx wrangler login, then ${again}`);
  }
  return isPushed;
}

function secretsIn(text: string): Record<string, string> {
  const set = [...readVars(text)].filter(([name, value]) => value !== "" && !deployedVariables.has(name));
  // What is deployed is in production, whatever this machine is.
  return { ...Object.fromEntries(set), ENVIRONMENT: "production" };
}

/** A Worker with these would answer nothing, or could not be reached by its queue. */
function problemsOf(secrets: Readonly<Record<string, string>>, file: string): readonly Finding[] {
  const { APP_URL: appUrl } = secrets;
  const near =
    appUrl === undefined || isPublicUrl(appUrl)
      ? []
      : [
          wrong(
            `APP_URL is ${appUrl}, which the internet does not reach: that is for npm start.`,
            `npm run setup -- ${fileOption(file === devVarsFile ? ".dev.vars.production" : file)} --push, with the address of the deployed app`,
          ),
        ];
  try {
    parseConfig(secrets);
    return near;
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    return [...near, ...cause.problems.map((problem) => wrong(problem, mendFor(mendOf(problem), file)))];
  }
}

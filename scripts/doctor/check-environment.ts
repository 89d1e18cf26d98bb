import { ConfigError, parseConfig, type Config } from "../../src/config.ts";
import { bindingNames, valuesOf, type Binding } from "../environment/read-environment.ts";
import { ok, wrong, type Finding } from "../environment/finding.ts";

export interface EnvironmentCheck {
  /** Absent when something is wrong with it. */
  readonly config: Config | undefined;
  readonly findings: readonly Finding[];
}

/** One line for each binding that is set, wrong or missing, never with its value; then whether there is a queue. */
export function checkEnvironment(bindings: ReadonlyMap<string, Binding>): EnvironmentCheck {
  const { config, problems } = parsed(bindings);
  const left = [...problems];
  const findings = bindingNames.flatMap((name): Finding[] => {
    const at = left.findIndex((problem) => new RegExp(`^(?:[A-Z_]+ or )*${name}\\b`).test(problem));
    if (at >= 0) return left.splice(at, 1).map((problem) => wrong(problem, "npm run setup"));
    const source = bindings.get(name)?.source;
    return source === undefined ? [] : [ok(`${name}: set (${source})`)];
  });
  findings.push(...left.map((problem) => wrong(problem, "npm run setup")));
  return { config, findings: [...findings, queueFinding(bindings, config)] };
}

function parsed(bindings: ReadonlyMap<string, Binding>): { config?: Config; problems: readonly string[] } {
  try {
    return { config: parseConfig(valuesOf(bindings)), problems: [] };
  } catch (cause) {
    if (cause instanceof ConfigError) return { problems: cause.problems };
    throw cause;
  }
}

function queueFinding(bindings: ReadonlyMap<string, Binding>, config: Config | undefined): Finding {
  const isComplete = ["QSTASH_TOKEN", "QSTASH_CURRENT_SIGNING_KEY", "QSTASH_NEXT_SIGNING_KEY"].every((name) =>
    bindings.has(name),
  );
  if (isComplete) return ok("QStash configured: yes");
  if (config?.queue === "fetch" && bindings.get("QUEUE")?.value === "fetch")
    return ok("QStash configured: no; QUEUE=fetch asks for it: what is lost waits for the sweep.");
  return wrong(
    "QStash configured: no; the app would call itself, and what is lost waits for the sweep.",
    "npm run setup",
  );
}

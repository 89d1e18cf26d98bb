import { ConfigError, parseConfig, qstashUrl, type Config } from "../../src/config.ts";
import { bindingNames, fromNpmStart, valuesOf, type Binding } from "../environment/read-environment.ts";
import { ok, setupCommand, wrong, type Finding } from "../environment/finding.ts";
import { mendOf } from "./mend-of.ts";

export interface EnvironmentCheck {
  /** Absent when something is wrong with it. */
  readonly config: Config | undefined;
  readonly findings: readonly Finding[];
}

export type BindingMap = ReadonlyMap<string, Binding>;

/** What a queue needs; each has a line, also where it is not set. */
export const queueNames: readonly string[] = ["QSTASH_TOKEN", "QSTASH_CURRENT_SIGNING_KEY", "QSTASH_NEXT_SIGNING_KEY"];

/** One line for each binding that is set, wrong or missing, never with its value; then whether there is a queue. */
export function checkEnvironment(bindings: BindingMap): EnvironmentCheck {
  const { config, problems } = parsed(bindings);
  const left = [...problems];
  const findings = bindingNames.flatMap((name): Finding[] => {
    const at = left.findIndex((problem) => new RegExp(`^(?:[A-Z_]+ or )*${name}\\b`).test(problem));
    if (at >= 0) return left.splice(at, 1).map((problem) => wrong(problem, mendOf(problem, bindings)));
    const source = bindings.get(name)?.source;
    if (source !== undefined) return [ok(`${name}: set (${source})`)];
    if (name === "QSTASH_URL") return [ok(`QSTASH_URL: not set, which is ${qstashUrl}`)];
    return queueNames.includes(name) ? [missingOfQueue(name, bindings)] : [];
  });
  findings.push(...left.map((problem) => wrong(problem, mendOf(problem, bindings))));
  return { config, findings: [...findings, queueFinding(bindings)] };
}

/** Whether somebody has asked, by name, to do without QStash. */
export function isFallbackAsked(bindings: BindingMap): boolean {
  return bindings.get("QUEUE")?.value === "fetch";
}

function parsed(bindings: BindingMap): { config?: Config; problems: readonly string[] } {
  try {
    return { config: parseConfig(valuesOf(bindings)), problems: [] };
  } catch (cause) {
    if (cause instanceof ConfigError) return { problems: cause.problems };
    throw cause;
  }
}

function missingOfQueue(name: string, bindings: BindingMap): Finding {
  if (isFallbackAsked(bindings)) return ok(`${name}: not set, and QUEUE=fetch does without it`);
  return wrong(`${name}: not set`, setupCommand);
}

function queueFinding(bindings: BindingMap): Finding {
  if (isFallbackAsked(bindings)) {
    const source = bindings.get("QSTASH_TOKEN")?.source ?? fromNpmStart;
    const unused = source === fromNpmStart ? "" : `, and QSTASH_TOKEN is not used; ${setupCommand} takes it up`;
    return ok(`QStash configured: no; QUEUE=fetch asks for it: what is lost waits for the sweep${unused}.`);
  }
  if (queueNames.every((name) => bindings.has(name))) return ok("QStash configured: yes");
  return wrong("QStash configured: no; the app would call itself, and what is lost waits for the sweep.", setupCommand);
}

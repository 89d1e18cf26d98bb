/** The registered tools as a run of an agent calls them. */
import * as z from "zod/mini";
import type { Clock, Log } from "../../core/ports.ts";
import type { FactStore } from "../../tool/fact-store.ts";
import type { ToolRegistry } from "../../tool/registry.ts";
import { runTool } from "../../tool/run-tool.ts";
import type { AgentTools } from "./agent-services.ts";

export interface RegistryToolsParts {
  readonly registry: ToolRegistry;
  readonly facts: FactStore;
  readonly clock: Clock;
  readonly log: Log;
}

export function registryTools({ registry, facts, clock, log }: RegistryToolsParts): AgentTools {
  return {
    describe: (names) => registry.describe().filter(({ name }) => names === undefined || names.includes(name)),
    problemOf({ name, parameters }, { allowed, isComplete }) {
      const tool = registry.get(name);
      if (tool === undefined) return `There is no tool "${name.slice(0, 64)}".`;
      if (allowed !== undefined && !allowed.includes(name)) return `The tool "${name}" is not allowed.`;
      if (!isComplete) return undefined;
      const parsed = z.safeParse(tool.input, parameters);
      if (parsed.success) return undefined;
      const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "parameters"}: ${message}`);
      return `The parameters do not fit the schema of "${name}": ${problems.slice(0, problemsMax).join("; ")}.`;
    },
    needsApproval: () => false,
    isReading: (name) => registry.get(name)?.effect === "read",
    retriesOf: () => 2,
    run: ({ name, parameters }, { userId, agentId }, { signal }) =>
      runTool(
        registry,
        { name, argumentsJson: JSON.stringify(parameters ?? {}) },
        { userId, agentId, clock, facts, log, signal },
      ),
    undoOf: () => undefined,
  };
}

const problemsMax = 5;

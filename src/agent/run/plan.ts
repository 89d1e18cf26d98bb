/**
 * A plan: which tools are to be called, with what, in which order. It comes from a model, so nothing in it is believed before it was checked; what is wrong with it comes
 * back in words, for the model to do better.
 */
import * as z from "zod/mini";
import { parseForeignJson } from "../../core/foreign-json.ts";

export const planStepsMax = 20;

const PlanStep = z.object({
  id: z.string().check(z.regex(/^[A-Za-z0-9_-]{1,40}$/)),
  tool: z.string().check(z.minLength(1), z.maxLength(64)),
  parameters: z.record(z.string(), z.unknown()),
  dependsOn: z.optional(z.array(z.string().check(z.maxLength(40))).check(z.maxLength(planStepsMax))),
  /** For the user. */
  why: z.optional(z.string().check(z.maxLength(500))),
});

const PlanText = z.object({ steps: z.array(PlanStep) });

export interface PlannedStep {
  readonly id: string;
  readonly tool: string;
  /** Values may be references to earlier results, see `references.ts`. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly dependsOn: readonly string[];
  readonly why: string;
}

export interface Plan {
  readonly steps: readonly PlannedStep[];
}

/** As a model's API wants it. */
export function planSchema(): Record<string, unknown> {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(PlanText, { io: "input" });
  return schema;
}

export type CheckedPlan =
  | { readonly kind: "ok"; readonly plan: Plan }
  | { readonly kind: "wrong"; readonly problems: readonly string[] };

export interface PlanRules {
  /** What is wrong with a call of this tool, or `undefined`: it does not exist, is not allowed, or its parameters do not fit. */
  readonly problemOf: (step: PlannedStep) => string | undefined;
  /** Ids of steps of earlier plans; of this one none may be the same. */
  readonly takenIds: readonly string[];
  /** Those of them that were done; this plan may refer to them. */
  readonly doneIds: readonly string[];
}

const problemsMax = 8;

/** @param text what the model said; JSON, perhaps with words or a fence around it. */
export function checkPlan(text: string, rules: PlanRules): CheckedPlan {
  const value = jsonIn(text);
  if (value === undefined) return wrong(["The answer holds no JSON object."]);
  const parsed = PlanText.safeParse(value);
  if (!parsed.success)
    return wrong(parsed.error.issues.map(({ path, message }) => `${path.join(".") || "The plan"}: ${message}`));
  const steps = parsed.data.steps.map(({ dependsOn = [], why = "", ...step }): PlannedStep => ({
    ...step,
    dependsOn,
    why,
  }));
  const problems = [...problemsOfShape(steps, rules), ...steps.flatMap((step) => rules.problemOf(step) ?? [])];
  return problems.length > 0 ? wrong(problems) : { kind: "ok", plan: { steps } };
}

function problemsOfShape(steps: readonly PlannedStep[], { takenIds, doneIds }: PlanRules): string[] {
  if (steps.length === 0) return ["The plan has no steps."];
  if (steps.length > planStepsMax) return [`The plan has ${steps.length} steps; ${planStepsMax} are allowed.`];
  const problems: string[] = [];
  const taken = new Set<string>(takenIds);
  for (const { id } of steps) {
    if (taken.has(id)) problems.push(`The id "${id}" is taken already.`);
    taken.add(id);
  }
  const ids = new Set<string>([...doneIds, ...steps.map(({ id }) => id)]);
  for (const { id, dependsOn } of steps) {
    for (const other of dependsOn) {
      if (!ids.has(other)) problems.push(`Step "${id}" depends on "${other}", which does not exist.`);
    }
  }
  const circle = circleIn(steps, new Set(doneIds));
  if (circle.length > 0) problems.push(`The steps ${circle.join(", ")} depend on each other in a circle.`);
  return problems;
}

/** The steps that can never begin, because each waits for another of them. */
function circleIn(steps: readonly PlannedStep[], done: Set<string>): string[] {
  let waiting = [...steps];
  for (;;) {
    const ready = waiting.filter(({ dependsOn }) =>
      dependsOn.every((id) => done.has(id) || !steps.some((step) => step.id === id)),
    );
    if (ready.length === 0) return waiting.map(({ id }) => id);
    for (const { id } of ready) done.add(id);
    waiting = waiting.filter((step) => !ready.includes(step));
  }
}

/** The first JSON object in a text: models like to put words or a fence around it. */
export function jsonIn(text: string): unknown {
  const start = text.indexOf("{");
  const end = text.lastIndexOf("}");
  return start < 0 || end < start ? undefined : parseForeignJson(text.slice(start, end + 1));
}

function wrong(problems: readonly string[]): CheckedPlan {
  return { kind: "wrong", problems: problems.slice(0, problemsMax) };
}

/**
 * What starts a run. The first entry is written before any code of the run is executed: no definition, however broken, can make a run that nobody
 * knows of. A run id starts one run: repeated, it finds the run that is there.
 */
import { asJson, type JsonValue } from "../core/json.ts";
import { limits } from "../core/limits.ts";
import { invariant } from "../core/ports.ts";
import { formatEntry, outside, type OutsideRecord, type ParentStep, type RunOrigin } from "./journal-entry.ts";
import type { JournalStart, RunRef } from "./journal.ts";
import type { AnyRunDefinition } from "./run-definition.ts";

export interface StartRequest<Services> {
  readonly ref: RunRef;
  readonly definition: AnyRunDefinition<Services>;
  /** Has passed the schema of the definition. */
  readonly input: unknown;
  readonly conversationId?: string | undefined;
  readonly parent?: ParentStep;
  readonly depth?: number;
  readonly isDry?: boolean;
  readonly executor?: "workflow" | undefined;
  readonly forkedFrom?: { readonly runId: string; readonly steps: number };
  readonly origin?: RunOrigin;
}

/** @throws internal (park) for an input that JSON cannot hold, or that is too large. */
export function startedEntry<Services>(request: StartRequest<Services>, at: number): string {
  const { definition, conversationId, parent, depth, isDry, executor, forkedFrom, origin } = request;
  const record: OutsideRecord = {
    type: "started",
    definition: definition.name,
    version: definition.version,
    ...inputOf(request.input),
    ...(conversationId === undefined ? {} : { conversationId }),
    ...(parent === undefined ? {} : { parent }),
    ...(depth === undefined ? {} : { depth }),
    ...(isDry === true ? { isDry } : {}),
    ...(executor === undefined ? {} : { executor }),
    ...(forkedFrom === undefined ? {} : { forkedFrom }),
    ...(origin === undefined ? {} : { origin }),
  };
  return formatEntry({ writer: outside, seq: 0, at, record });
}

/** What the start says where the run belongs to a conversation. */
export function conversationOf<Services>(
  { ref, definition, input, conversationId }: StartRequest<Services>,
  startedAtMs: number,
): Pick<JournalStart, "conversation"> {
  if (conversationId === undefined) return {};
  const note = definition.inConversation?.opening({ ref, input, startedAtMs }) ?? { messages: [], title: "" };
  return { conversation: { conversationId, ...note } };
}

function inputOf(input: unknown): { input?: JsonValue } {
  const json = asJson(input);
  invariant(
    json !== undefined && json.text.length <= limits.runInputBytesMax,
    "the input of a run is JSON of a bounded size",
  );
  return json.value === undefined ? {} : { input: json.value };
}

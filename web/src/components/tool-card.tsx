import type { DynamicToolUIPart, ToolUIPart } from "ai";
import { Approval } from "./approval.tsx";
import { ChevronIcon, ToolIcon } from "./icons.tsx";

const SUMMARY_CHARS_MAX = 80;

/** One tool call: closed it says what was called with what and how it went; open it shows input and output whole. */
export function ToolCard(props: {
  name: string;
  part: ToolUIPart | DynamicToolUIPart;
  isLive: boolean;
  onApproval: ((approvalId: string, isApproved: boolean, reason?: string) => void) | undefined;
}) {
  const { name, part, onApproval } = props;
  const state = stateOf(part, props.isLive);
  return (
    <details className="tool" data-state={state.kind} open={state.kind === "asking" || undefined}>
      <summary>
        <ToolIcon />
        <span className="tool-name">{name}</span>
        <span className="tool-input">{oneLine(part.input)}</span>
        <span className="tool-state">
          {state.kind === "running" && <span className="spinner" aria-hidden="true" />}
          {state.words}
        </span>
        <ChevronIcon />
      </summary>
      <dl className="tool-body">
        {part.input !== undefined && <Field label="Input" value={part.input} />}
        {part.state === "output-available" && <Field label="Output" value={part.output} />}
        {part.state === "output-error" && <Field label="Error" value={part.errorText} />}
        {part.state === "output-denied" && part.approval.reason !== undefined && (
          <Field label="Reason" value={part.approval.reason} />
        )}
      </dl>
      {part.state === "approval-requested" && onApproval !== undefined && (
        <Approval onAnswer={(isApproved, reason) => onApproval(part.approval.id, isApproved, reason)} />
      )}
    </details>
  );
}

function Field({ label, value }: { label: string; value: unknown }) {
  return (
    <>
      <dt>{label}</dt>
      <dd>
        <pre tabIndex={0}>{typeof value === "string" ? value : JSON.stringify(value, null, 2)}</pre>
      </dd>
    </>
  );
}

interface ToolState {
  kind: "running" | "asking" | "done" | "failed" | "cut-off";
  words: string;
}

/** A call without a result in an answer that has ended will never have one. */
function stateOf(part: ToolUIPart | DynamicToolUIPart, isLive: boolean): ToolState {
  if (part.state === "output-available") return { kind: "done", words: "Done" };
  if (part.state === "output-error") return { kind: "failed", words: "Failed" };
  if (part.state === "output-denied") return { kind: "failed", words: "Denied" };
  if (part.state === "approval-requested") return { kind: "asking", words: "Needs your word" };
  if (!isLive) return { kind: "cut-off", words: "Not finished" };
  return { kind: "running", words: part.state === "input-streaming" ? "Preparing" : "Running" };
}

/** `{expression: "2+2"}` reads as `2+2`; several fields read as `zone: Asia/Tokyo · format: long`. */
function oneLine(input: unknown): string {
  const line = isRecord(input) ? fieldsInOneLine(input) : plain(input);
  return line.length > SUMMARY_CHARS_MAX ? `${line.slice(0, SUMMARY_CHARS_MAX)}…` : line;
}

function fieldsInOneLine(input: Record<string, unknown>): string {
  const [only, ...others] = Object.entries(input);
  if (only !== undefined && others.length === 0) return plain(only[1]);
  return Object.entries(input)
    .map(([key, value]) => `${key}: ${plain(value)}`)
    .join(" · ");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

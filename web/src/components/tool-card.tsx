import type { DynamicToolUIPart, ToolUIPart } from "ai";
import { ChevronIcon, ToolIcon } from "./icons.tsx";

const SUMMARY_CHARS_MAX = 80;

/** One tool call: closed it says what was called with what and how it went; open it shows input and output whole. */
export function ToolCard(props: { name: string; part: ToolUIPart | DynamicToolUIPart; isLive: boolean }) {
  const { name, part } = props;
  const state = stateOf(part, props.isLive);
  return (
    <details className="tool" data-state={state.kind}>
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
      </dl>
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
  kind: "running" | "done" | "failed" | "cut-off";
  words: string;
}

/** A call without a result in an answer that has ended will never have one. */
function stateOf(part: ToolUIPart | DynamicToolUIPart, isLive: boolean): ToolState {
  if (part.state === "output-available") return { kind: "done", words: "Done" };
  if (part.state === "output-error") return { kind: "failed", words: "Failed" };
  if (part.state === "output-denied") return { kind: "failed", words: "Denied" };
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

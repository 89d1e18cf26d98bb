/** How a tool call goes wrong, as data: the words are for the model, the code and what follows from it are for programs. */

interface FailureKind {
  /** Whether the same call may work later: a queue delivers it again, a person may press the button again. */
  readonly isPassing: boolean;
}

export const toolFailureKinds = {
  /** There is no such tool, or the caller is not to know of it. */
  unknown_tool: final(),
  /** The arguments are no JSON, too long, or do not fit the schema. */
  invalid_input: final(),
  /** The caller lacks a scope. */
  not_allowed: final(),
  /** A person has to agree first, and nobody has. */
  needs_approval: final(),
  /** The tool's own answer: what was asked for cannot be had. */
  failed: final(),
  /** Our defect, known as one; another attempt would meet it again. */
  broken: final(),
  /** The answer is too large, or nothing that JSON can hold. */
  unusable_output: final(),
  /** The user has called this tool too often. */
  rate_limited: passing(),
  /** The user has too many calls of this tool under way. */
  busy: passing(),
  /** The very same call is under way elsewhere. */
  in_progress: passing(),
  /** The tool threw: something that it needs does not answer. Or that is known to be down. */
  unavailable: passing(),
  /** No answer within the tool's time. Whether it had its effect is unknown. */
  timed_out: passing(),
  /** Whoever called has stopped waiting. */
  stopped: passing(),
} as const satisfies Record<string, FailureKind>;

/** Stable: programs branch on it. */
export type ToolFailureCode = keyof typeof toolFailureKinds;

export interface ToolFailure {
  readonly kind: "failed";
  readonly code: ToolFailureCode;
  /** For the model or a person; holds no inner detail. */
  readonly errorText: string;
  /** How long a caller does well to wait before it tries again, in milliseconds. */
  readonly retryAfterMs?: number;
  /** Of `not_allowed`: what the caller would need. */
  readonly missingScopes?: readonly string[];
}

export function isPassing({ code }: Pick<ToolFailure, "code">): boolean {
  return toolFailureKinds[code].isPassing;
}

function final(): FailureKind {
  return { isPassing: false };
}

function passing(): FailureKind {
  return { isPassing: true };
}

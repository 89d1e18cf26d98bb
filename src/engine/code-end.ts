import type { Failure, StopReason } from "./journal-entry.ts";

/** Why the segment stops running the code. */
export type CodeEnd =
  | { readonly kind: "returned"; readonly value: unknown }
  | { readonly kind: "threw"; readonly error: unknown }
  | { readonly kind: "waiting"; readonly untilMs: number | undefined }
  | { readonly kind: "out-of-budget"; readonly reason: StopReason }
  /** A cancellation or a pause is wanted. */
  | { readonly kind: "interrupted" }
  /** Only a person can help. `error` is what was thrown, where something was. */
  | { readonly kind: "stuck"; readonly failure: Failure; readonly step?: string; readonly error?: unknown };

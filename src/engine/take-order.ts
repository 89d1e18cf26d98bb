/** What a person or a program asks of a run from outside, as the fold takes it. */
import type { OutsideRecord } from "./journal-entry.ts";
import type { RunDraft } from "./run-draft.ts";

type OrderRecord = Exclude<OutsideRecord, { type: "started" | "snapshot" | "signal" }>;

export function takeOrder(draft: RunDraft, record: OrderRecord): void {
  const isStopped = draft.status === "paused" || draft.status === "parked";
  draft.idleSegments = 0;
  switch (record.type) {
    case "cancel":
      draft.cancellation ??= { reason: record.reason, isUndoing: record.isUndoing };
      if (draft.status === "parked") draft.isGivenUp = !record.isUndoing;
      if (isStopped) goOn(draft);
      // Whoever cancels wants it to go on, to its end; a pause that comes later holds that, too.
      draft.isPauseWanted = false;
      return;
    case "pause":
      // While nobody has the lease nobody would notice: the run is paused at once.
      if (draft.holder === undefined && draft.status !== "parked") draft.status = "paused";
      else draft.isPauseWanted = true;
      return;
    case "resume":
      // What has failed there, an undoing above all, would only stop it again.
      if (draft.status === "parked") retry(draft);
      else if (isStopped) goOn(draft);
      draft.isPauseWanted = false;
      return;
    case "retry":
      draft.isRevived ||= draft.status === "failed";
      return retry(draft);
    case "compensate":
      draft.cancellation ??= { reason: "compensation was asked for", isUndoing: true };
      draft.isPauseWanted = false;
      if (draft.status === "parked") retry(draft);
      return;
  }
}

function goOn(draft: RunDraft): void {
  draft.parked = undefined;
  draft.deathsInARow = 0;
  draft.status = draft.undoing === undefined ? "running" : "compensating";
}

/** The step whose failure stopped the run is tried again, with all its attempts. */
function retry(draft: RunDraft): void {
  const step = draft.parked?.step ?? draft.fatalStep;
  if (step !== undefined) {
    draft.attempts.delete(step);
    draft.settled = draft.settled.filter((settled) => settled.step !== step || settled.outcome.kind === "done");
    draft.settledSteps = new Set(draft.settled.map((settled) => settled.step));
  }
  draft.fatalStep = undefined;
  draft.failure = undefined;
  goOn(draft);
}

import { useState } from "react";

const REASON_CHARS_MAX = 500;

/** A tool call that waits for the user's word. */
export function Approval({ onAnswer }: { onAnswer: (isApproved: boolean, reason?: string) => void }) {
  const [reason, setReason] = useState("");
  return (
    <div className="approval">
      <p>This needs your word before it is done.</p>
      <input
        type="text"
        value={reason}
        maxLength={REASON_CHARS_MAX}
        placeholder="Reason, if you deny it"
        aria-label="Reason"
        onChange={(event) => setReason(event.target.value)}
      />
      <button type="button" className="button" onClick={() => onAnswer(true)}>
        Approve
      </button>
      <button
        type="button"
        className="button button-plain"
        onClick={() => (reason.trim() === "" ? onAnswer(false) : onAnswer(false, reason.trim()))}
      >
        Deny
      </button>
    </div>
  );
}

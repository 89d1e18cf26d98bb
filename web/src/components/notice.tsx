import { useEffect, useState } from "react";
import { isConnectionFailure, ProblemError } from "../problem.ts";

interface NoticeProps {
  error: Error | undefined;
  hint: string | undefined;
  isReconnecting: boolean;
  onRetry: () => void;
  onEdit: () => void;
}

/** What went wrong, in words, and what can be done about it. */
export function Notice({ error, hint, isReconnecting, onRetry, onEdit }: NoticeProps) {
  const retryAtMs = error instanceof ProblemError ? error.retryAtMs : undefined;
  const waitSeconds = useSecondsUntil(retryAtMs);
  if (isReconnecting) {
    return (
      <p className="notice" role="status">
        <span className="spinner" aria-hidden="true" />
        The connection broke. Reconnecting to your answer…
      </p>
    );
  }
  if (error !== undefined) {
    return (
      <div className="notice notice-error">
        {/* Only the sentence is announced: the countdown in the button would interrupt every second. */}
        <p role="alert">{inWords(error)}</p>
        <div className="notice-actions">
          {error instanceof ProblemError && (
            <button type="button" className="button button-quiet" onClick={onEdit}>
              Edit message
            </button>
          )}
          <button type="button" className="button" disabled={waitSeconds > 0} onClick={onRetry}>
            {waitSeconds > 0 ? `Try again in ${waitSeconds} s` : "Try again"}
          </button>
        </div>
      </div>
    );
  }
  return hint === undefined ? null : (
    <p className="notice" role="status">
      {hint}
    </p>
  );
}

function inWords(error: Error): string {
  if (isConnectionFailure(error)) return "The server cannot be reached. Check your connection, then try again.";
  if (error instanceof ProblemError && error.retryAtMs !== undefined) {
    return `${error.message} You can try again at ${new Date(error.retryAtMs).toLocaleTimeString()}.`;
  }
  return error.message || "The answer failed.";
}

function useSecondsUntil(atMs: number | undefined): number {
  const [nowMs, setNowMs] = useState(Date.now);
  useEffect(() => {
    if (atMs === undefined) return;
    setNowMs(Date.now());
    const timer = setInterval(() => {
      setNowMs(Date.now());
      if (Date.now() >= atMs) clearInterval(timer);
    }, 250);
    return () => clearInterval(timer);
  }, [atMs]);
  return atMs === undefined ? 0 : Math.max(0, Math.ceil((atMs - nowMs) / 1000));
}

/**
 * How long an answer may be silent, at the price of one timer for many chunks: the timer only notes whether anything
 * came since it last rang, so silence is found after `idleMsMax` to twice that. Time in which nobody reads is not silence.
 */
export interface Patience {
  /** A read begins. */
  wait(): void;
  /** It brought something. */
  renew(): void;
  stop(): void;
}

/** Calls `giveUp` once: after `firstByteMsMax` without any byte, or later in a silence longer than `idleMsMax`. */
export function startPatience(options: {
  firstByteMsMax: number;
  idleMsMax: number;
  giveUp: (silentFor: "first-byte" | "next-bytes") => void;
}): Patience {
  let isFirst = true;
  let isWaiting = false;
  /** Whether the wait in progress began before the timer was set. */
  let isOldWait = false;
  let timer = setTimeout(() => options.giveUp("first-byte"), options.firstByteMsMax);

  function ring(): void {
    if (isWaiting && isOldWait) return options.giveUp("next-bytes");
    isOldWait = isWaiting;
    timer = setTimeout(ring, options.idleMsMax);
  }

  return {
    wait() {
      isWaiting = true;
      isOldWait = false;
    },
    renew() {
      isWaiting = false;
      if (!isFirst) return;
      isFirst = false;
      clearTimeout(timer);
      timer = setTimeout(ring, options.idleMsMax);
    },
    stop() {
      clearTimeout(timer);
    },
  };
}

/**
 * How long an answer may be silent, at the price of one timer for many chunks: the timer only notes whether anything
 * came since it last rang, so silence is found after `idleMsMax` to twice that.
 */
export interface Patience {
  /** Something came. */
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
  let wasRenewed = false;
  let timer: ReturnType<typeof setTimeout> | undefined = setTimeout(
    () => options.giveUp("first-byte"),
    options.firstByteMsMax,
  );

  function ring(): void {
    if (!wasRenewed) return options.giveUp("next-bytes");
    wasRenewed = false;
    timer = setTimeout(ring, options.idleMsMax);
  }

  return {
    renew() {
      wasRenewed = true;
      if (!isFirst) return;
      isFirst = false;
      clearTimeout(timer);
      wasRenewed = false;
      timer = setTimeout(ring, options.idleMsMax);
    },
    stop() {
      clearTimeout(timer);
    },
  };
}

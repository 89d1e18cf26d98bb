import type { Chat } from "@ai-sdk/react";
import type { UIMessage } from "ai";
import { useCallback, useEffect, useState } from "react";
import { isConnectionFailure } from "./problem.ts";
import { recover } from "./recover.ts";
import { useOnline } from "./use-online.ts";

const ATTEMPTS_MAX = 8;
const WAIT_MS_FIRST = 250;
const WAIT_MS_MAX = 8_000;

/**
 * Repairs a broken connection by itself: at once when the network returns, otherwise in growing steps, and gives up
 * after a bounded number of attempts so that the person can decide.
 * @returns whether it is still trying, and a way to begin anew.
 */
export function useRecovery(
  chat: Chat<UIMessage>,
  error: Error | undefined,
  isOwn: (messageId: string) => boolean,
): { isReconnecting: boolean; reconnect: () => void } {
  const isOnline = useOnline();
  /** Failed attempts so far; undefined when there is nothing to repair. */
  const [failures, setFailures] = useState<number>();

  useEffect(() => {
    if (isConnectionFailure(error)) setFailures((count) => count ?? 0);
  }, [error]);

  useEffect(() => {
    if (isOnline) setFailures((count) => (count === undefined ? count : 0));
  }, [isOnline]);

  useEffect(() => {
    if (failures === undefined || failures >= ATTEMPTS_MAX || !isOnline) return;
    let isStale = false;
    const attempt = async (): Promise<void> => {
      const isRepaired = await recover(chat, isOwn);
      if (!isStale) setFailures(isRepaired ? undefined : failures + 1);
    };
    const timer = setTimeout(() => void attempt(), waitMs(failures));
    return () => {
      isStale = true;
      clearTimeout(timer);
    };
  }, [chat, failures, isOnline, isOwn]);

  const reconnect = useCallback(() => setFailures(0), []);
  return {
    isReconnecting: failures !== undefined && failures < ATTEMPTS_MAX,
    reconnect,
  };
}

function waitMs(failures: number): number {
  return Math.min(WAIT_MS_FIRST * 2 ** failures, WAIT_MS_MAX);
}

import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

const NEAR_PX = 48;

/** Keeps the newest line in view while it grows, and lets go as soon as the person scrolls up to read. */
export function useStickToBottom(
  scroller: RefObject<HTMLElement | null>,
  content: unknown,
): { isAtBottom: boolean; toBottom: () => void } {
  const isStuck = useRef(true);
  const [isAtBottom, setIsAtBottom] = useState(true);

  const toBottom = useCallback(() => {
    isStuck.current = true;
    setIsAtBottom(true);
    const element = scroller.current;
    element?.scrollTo({ top: element.scrollHeight });
  }, [scroller]);

  useEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const onScroll = (): void => {
      const isNear = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX;
      isStuck.current = isNear;
      setIsAtBottom(isNear);
    };
    element.addEventListener("scroll", onScroll, { passive: true });
    // A notice or a longer draft below makes the view smaller, and would push the newest line out of it.
    const resizing = new ResizeObserver(() => {
      if (isStuck.current) element.scrollTop = element.scrollHeight;
    });
    resizing.observe(element);
    return () => {
      element.removeEventListener("scroll", onScroll);
      resizing.disconnect();
    };
  }, [scroller]);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (isStuck.current && element !== null) element.scrollTop = element.scrollHeight;
  }, [scroller, content]);

  return { isAtBottom, toBottom };
}

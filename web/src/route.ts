import { useSyncExternalStore } from "react";

const PREFIX = "#/c/";

/** The conversation that the address names; undefined for a new one. */
export function useRoute(): string | undefined {
  return useSyncExternalStore(subscribe, conversationInAddress);
}

export function hrefOf(conversationId: string): string {
  return PREFIX + encodeURIComponent(conversationId);
}

/** Names the conversation in the address, or none; a new entry in the browser's history unless `replace`. */
export function goTo(conversationId: string | undefined, o: { replace?: boolean } = {}): void {
  const url = conversationId === undefined ? location.pathname : hrefOf(conversationId);
  if (o.replace === true) history.replaceState(null, "", url);
  else history.pushState(null, "", url);
  // Neither call announces itself, and one listener should serve links, the back button and us.
  window.dispatchEvent(new PopStateEvent("popstate"));
}

function conversationInAddress(): string | undefined {
  if (!location.hash.startsWith(PREFIX)) return undefined;
  try {
    return decodeURIComponent(location.hash.slice(PREFIX.length)) || undefined;
  } catch {
    return undefined; // a mangled address opens a new conversation
  }
}

function subscribe(onChange: () => void): () => void {
  window.addEventListener("popstate", onChange);
  window.addEventListener("hashchange", onChange);
  return () => {
    window.removeEventListener("popstate", onChange);
    window.removeEventListener("hashchange", onChange);
  };
}

import { useCallback, useEffect, useRef, useState } from "react";
import { listAgents, type AgentName } from "./api.ts";

/** Answers without a plan. */
export const plainChat = "";
/** The agent that everybody has. */
export const anyAgent: AgentName = { id: "default", name: "Planner" };

export interface AgentChoice {
  agents: AgentName[];
  /** `plainChat` or the id of an agent. */
  agentId: string;
  choose: (agentId: string) => void;
  /** What was chosen last, also before the page has rendered it. */
  current: () => string;
}

/** Who answers in a conversation; remembered in this browser. */
export function useAgent(conversationId: string): AgentChoice {
  const [agents, setAgents] = useState<AgentName[]>([anyAgent]);
  const [agentId, setAgentId] = useState(() => remembered(conversationId));
  const chosenLast = useRef(agentId);
  const current = useCallback(() => chosenLast.current, []);

  useEffect(() => {
    let isStale = false;
    // Without the list there is still the agent that everybody has.
    listAgents().then(
      (own) => !isStale && setAgents([anyAgent, ...own]),
      () => undefined,
    );
    return () => {
      isStale = true;
    };
  }, [conversationId]);

  const choose = useCallback(
    (chosen: string) => {
      setAgentId(chosen);
      chosenLast.current = chosen;
      remember(conversationId, chosen);
    },
    [conversationId],
  );
  return { agents, agentId, choose, current };
}

function keyOf(conversationId: string): string {
  return `skipstone:agent:${conversationId}`;
}

/** A browser may refuse to store anything; then the choice lasts as long as the page. */
function remembered(conversationId: string): string {
  try {
    return localStorage.getItem(keyOf(conversationId)) ?? plainChat;
  } catch {
    return plainChat;
  }
}

function remember(conversationId: string, agentId: string): void {
  try {
    if (agentId === plainChat) localStorage.removeItem(keyOf(conversationId));
    else localStorage.setItem(keyOf(conversationId), agentId);
  } catch {
    return;
  }
}

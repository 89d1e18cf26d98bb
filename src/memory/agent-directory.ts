import type { KnowledgeOwner } from "./knowledge.ts";

/** Which agents a user has. What is another's is not there. */
export interface AgentDirectory {
  owns(owner: KnowledgeOwner): Promise<boolean>;
}

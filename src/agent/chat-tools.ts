import type { ToolParts } from "../tool/call-context.ts";
import type { ToolRegistry } from "../tool/registry.ts";
import { runTool } from "../tool/run-tool.ts";
import { fullGrant } from "../tool/tool-grant.ts";
import { fenceRule } from "./fence.ts";
import type { TurnTools } from "./run-turn.ts";

/** Facts that chats remember belong to the user and to this agent, whatever the conversation. */
export const chatAgentId = "chat";

/**
 * The registered tools as a chat turn calls them: in the name of the conversation's owner. A turn waits for nobody's word, so a tool that always needs one is not
 * shown to its model, and a call that needs one is refused; runs of agents ask for it.
 */
export function chatTools<Services>(registry: ToolRegistry<Services>, parts: ToolParts<Services>): TurnTools {
  return {
    definitions: () => registry.describe(fullGrant).filter(({ approval }) => approval !== "always"),
    run: (call, { userId, conversationId, runId }, { idempotencyKey, signal }) =>
      runTool(registry, call, {
        ...parts,
        userId,
        agentId: chatAgentId,
        conversationId,
        runId,
        callKey: idempotencyKey,
        grant: fullGrant,
        isApproved: false,
        signal,
      }),
  };
}

/** What the model is told before the conversation. */
export function chatPrompt(nowMs: number): string {
  return [
    "You are a helpful assistant. Answer in the user's language, briefly and to the point.",
    "Use a tool where it gives a surer answer than you can: calculation, the current time, facts the user asked you to keep.",
    fenceRule,
    `Now it is ${new Date(nowMs).toISOString()}.`,
  ].join("\n");
}

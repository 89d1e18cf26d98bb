import { agentApi } from "./agents.ts";
import { chatApi } from "./chat.ts";
import { conversationApi } from "./conversations.ts";
import { deadLetterApi } from "./dead-letters.ts";
import type { Room, RouteDescription, RouteKey } from "./describe.ts";
import { engineApi } from "./engine.ts";
import { keyApi } from "./keys.ts";
import { mcpApi } from "./mcp.ts";
import { memoryApi } from "./memory.ts";
import { modelApi } from "./models.ts";
import { operationsApi } from "./operations.ts";
import { runApi } from "./runs.ts";
import { scheduleApi } from "./schedules.ts";
import { sessionApi } from "./sessions.ts";
import { toolApi } from "./tools.ts";
import { webhookApi } from "./webhooks.ts";
import { workflowApi } from "./workflows.ts";

/** Every route of the app, room by room; a new file of this folder is added here. */
export const rooms = [
  sessionApi,
  keyApi,
  chatApi,
  conversationApi,
  memoryApi,
  agentApi,
  modelApi,
  runApi,
  scheduleApi,
  toolApi,
  mcpApi,
  deadLetterApi,
  engineApi,
  workflowApi,
  webhookApi,
  operationsApi,
] as const satisfies readonly Room<Readonly<Record<RouteKey, RouteDescription>>>[];

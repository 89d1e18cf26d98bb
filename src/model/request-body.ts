/** The body of a chat completion request. */
import type { ModelMessage, ModelRequest, ModelTool } from "../agent/model-port.ts";

/** JSON of the request for `modelName`; asks for a stream that ends with its usage. */
export function requestBody(modelName: string, request: Omit<ModelRequest, "signal">): string {
  const { answerSchema } = request;
  return JSON.stringify({
    model: request.modelName ?? modelName,
    stream: true,
    stream_options: { include_usage: true },
    messages: request.messages.map(wireMessage),
    // Several providers refuse an empty list.
    ...(request.tools.length === 0 ? {} : { tools: request.tools.map(wireTool) }),
    ...(answerSchema === undefined ? {} : { response_format: { type: "json_schema", json_schema: answerSchema } }),
  });
}

function wireMessage(message: ModelMessage): object {
  const toolCalls = message.toolCalls ?? [];
  return {
    role: message.role,
    content: message.content,
    ...(toolCalls.length === 0
      ? {}
      : {
          tool_calls: toolCalls.map((call) => ({
            id: call.id,
            type: "function",
            function: { name: call.name, arguments: call.argumentsJson },
          })),
        }),
    ...(message.toolCallId === undefined ? {} : { tool_call_id: message.toolCallId }),
  };
}

function wireTool(tool: ModelTool): object {
  return {
    type: "function",
    function: { name: tool.name, description: tool.description, parameters: tool.inputSchema },
  };
}

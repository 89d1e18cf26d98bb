import type { UIMessage } from "ai";

/**
 * The server's history, plus what stands behind it here and is not recorded there yet: a message whose request failed,
 * or the beginning of its answer. An answer that the server has replaces ours, so nothing appears twice.
 */
export function mergeHistory(local: UIMessage[], server: UIMessage[]): UIMessage[] {
  const last = server.at(-1);
  if (last === undefined) return local;
  const at = local.findIndex((message) => message.id === last.id);
  if (at === -1) return [...server, ...unknownQuestion(local, server)];
  const tail = local.slice(at + 1);
  // Two answers in a row would be the same answer under two ids.
  return last.role === "assistant" && tail[0]?.role === "assistant" ? server : [...server, ...tail];
}

/** The last question and what follows it, when the server has never seen that question. */
function unknownQuestion(local: UIMessage[], server: UIMessage[]): UIMessage[] {
  const at = local.findLastIndex((message) => message.role === "user");
  const question = local[at];
  const isKnown = question === undefined || server.some((message) => message.id === question.id);
  return isKnown ? [] : local.slice(at);
}

/**
 * Puts a question from another window where it belongs: before its answer if that is here already, else at the end. A
 * question that is known, with another answer behind it, is being answered anew; the answer that failed goes.
 */
export function withQuestion(
  messages: UIMessage[],
  question: { id: string; text: string },
  answerId: string,
): UIMessage[] {
  const answerAt = messages.findIndex((message) => message.id === answerId);
  const questionAt = messages.findIndex((message) => message.id === question.id);
  if (questionAt !== -1) return answerAt === -1 ? messages.slice(0, questionAt + 1) : messages;
  const message: UIMessage = {
    id: question.id,
    role: "user",
    parts: [{ type: "text", text: question.text }],
  };
  return messages.toSpliced(answerAt === -1 ? messages.length : answerAt, 0, message);
}

import { askServer, fieldOf } from "./ask-server.ts";
import { ok, setupCommand, wrong, type Finding } from "./finding.ts";

export interface ModelAccess {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly name: string;
}

/** A model that has to be loaded first takes its time. */
const waitMsMax = 60_000;

/** Asks the model for one word. Costs a few tokens. */
export async function checkModel({ baseUrl, apiKey, name }: ModelAccess): Promise<Finding> {
  const said = await askServer(
    `${baseUrl.replace(/\/+$/, "")}/chat/completions`,
    {
      method: "POST",
      headers: { Authorization: `Bearer ${apiKey}`, "Content-Type": "application/json" },
      body: JSON.stringify({ model: name, messages: [{ role: "user", content: "Answer with the word ok." }] }),
    },
    waitMsMax,
  );
  if (said.kind === "silence") {
    return wrong(`The model does not answer: ${said.words}. MODEL_BASE_URL says where it is asked.`, setupCommand);
  }
  if (said.status === 401 || said.status === 403) {
    return wrong("The model provider refuses the key. MODEL_API_KEY holds it.", setupCommand);
  }
  if (said.status === 404) {
    return wrong("There is no such model, or no API, at that address: MODEL_NAME and MODEL_BASE_URL.", setupCommand);
  }
  if (said.status === 429) {
    return wrong("The model is busy, or the account at its provider has no credit left.", "npm run doctor, later");
  }
  if (said.status !== 200) {
    const words = `The model answers with status ${said.status}. If that stays, MODEL_NAME may be wrong.`;
    return wrong(words, "npm run doctor, later");
  }
  const choices = fieldOf(said.body, "choices");
  const isAnswer = Array.isArray(choices) && fieldOf(choices[0], "message") !== undefined;
  if (isAnswer) return ok(`The model answers in ${Math.ceil(said.ms)} ms.`);
  return wrong("What answers there is no chat completions API; MODEL_BASE_URL often ends in /v1.", setupCommand);
}

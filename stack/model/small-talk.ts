/** What the offline model says when no tool has anything to do. */
import type { ChatMessage, ChatRequest, OfferedTool } from "./chat-request.ts";
import { intentsOf, STORY } from "./intents.ts";
import { countTo, tellStory } from "./story.ts";

const SELF_DESCRIPTION = "I am Skipstone's offline demo model, not a language model";

/** An answer in words to `asked`. Never empty. */
export function smallTalk(asked: string, request: ChatRequest): string {
  const text = asked.trim();
  const words = Number(/\b(\d{1,5})[ -]words?\b/i.exec(text)?.[1] ?? Number.NaN);
  const countLast = /\bcount (?:up )?(?:from \d+ )?to (\d{1,5})\b/i.exec(text)?.[1];
  const quoted = /^(?:please\s+)?(?:say|repeat(?: after me)?|echo)\b[:,]?\s+(.+)$/is.exec(text)?.[1];

  if (text === "") return `${SELF_DESCRIPTION}, and I got no words to answer. ${abilities(request.tools)}`;
  if (quoted !== undefined) return quoted.replace(/^["'“](.*)["'”]$/s, "$1");
  if (countLast !== undefined) return countTo(Number(countLast));
  if (STORY.test(text) || words > 60) {
    return Number.isNaN(words) ? tellStory() : tellStory(words);
  }
  if (
    /\bwhat (?:did|have) i (?:just |already )?(?:say|said|ask|asked|write|tell)\b|\b(?:my|the) (?:last|previous|first) (?:message|question)\b/i.test(
      text,
    )
  ) {
    return whatYouSaid(request.messages, /\bfirst\b/i.test(text));
  }
  if (/^(?:hi|hello|hey|good (?:morning|day|afternoon|evening)|moin|servus)\b/i.test(text))
    return `Hello! ${SELF_DESCRIPTION}. ${abilities(request.tools)}`;
  if (
    /\b(?:who|what) are you\b|\bare you (?:a|an|gpt|claude|chatgpt|real|human)\b|\bwhich model\b|\byour name\b/i.test(
      text,
    )
  ) {
    return `${SELF_DESCRIPTION}: a few rules in a file, so that everything here works without a network or an account. Set MODEL_BASE_URL, MODEL_API_KEY and MODEL_NAME to talk to a real one. ${abilities(request.tools)}`;
  }
  if (/\b(?:thanks|thank you|cheers)\b/i.test(text)) return "You are welcome.";
  if (/^(?:bye|goodbye|see you|good night)\b/i.test(text))
    return "Goodbye! The conversation is kept; come back to it whenever you like.";
  if (/\b(?:help|what can you do|your tools|which tools)\b/i.test(text))
    return `${SELF_DESCRIPTION}. ${abilities(request.tools)}`;
  if (intentsOf(text).length > 0) {
    return `${SELF_DESCRIPTION}, and I would need a tool for that which I was not given. ${abilities(request.tools)}`;
  }
  return `${SELF_DESCRIPTION}, so I can only say that you wrote: "${shorten(text)}". ${abilities(request.tools)}`;
}

function abilities(tools: OfferedTool[]): string {
  const own = "I can also tell you a long story, count to 100, or repeat what you said before.";
  if (tools.length === 0) return `I was given no tools. ${own}`;
  const list = tools.map(({ name, description }) =>
    description === "" ? name : `${name} (${firstSentence(description)})`,
  );
  return `I can call these tools: ${list.join(", ")}. Try "what is 12 * (3 + 4)?", "what time is it in Tokyo?" or "remember that my favourite colour is green". ${own}`;
}

function firstSentence(text: string): string {
  return shorten(text.split(/(?<=[.!?])\s/)[0]?.replace(/[.!?]+$/, "") ?? text, 80);
}

function whatYouSaid(messages: ChatMessage[], isFirst: boolean): string {
  const said = messages
    .filter((message) => message.role === "user")
    .map((message) => message.text)
    .slice(0, -1);
  const found = isFirst ? said[0] : said.at(-1);
  if (found === undefined) return "This is the first thing that you say to me in this conversation.";
  return `${isFirst ? "First" : "Before that"} you said: "${shorten(found)}".`;
}

function shorten(text: string, charsMax = 160): string {
  const flat = text.replaceAll(/\s+/g, " ");
  return flat.length <= charsMax ? flat : `${flat.slice(0, charsMax - 1)}…`;
}

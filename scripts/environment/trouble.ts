import { fieldOf, type Answer } from "./ask-server.ts";
import { wrong, type Finding } from "./finding.ts";

const quotedCharsMax = 200;

/**
 * What ails a service of Upstash that is the right one: it is overloaded, broken, or refuses in words of its own. Other credentials mend nothing of that. `undefined` for
 * any other answer.
 *
 * @param error its words, where they do not stand in the body itself.
 * @param token is not repeated, should the service do so.
 */
export function troubleOf(
  service: string,
  { status, body }: Answer,
  token: string,
  error: unknown = fieldOf(body, "error"),
): Finding | undefined {
  const isRefusing = typeof error === "string" && status !== 404;
  if (status !== 429 && status < 500 && !isRefusing) return undefined;
  const said = typeof error === "string" ? `: "${quoted(error, token)}"` : "";
  const words = `${service} answers with status ${status}${said}. If that stays, the plan's limit may be used up; https://console.upstash.com shows it.`;
  return wrong(words, "npm run doctor, later");
}

function quoted(text: string, token: string): string {
  const plain = (token === "" ? text : text.replaceAll(token, "[secret]")).replaceAll(/\s+|\p{Cc}/gu, " ");
  return plain.length <= quotedCharsMax ? plain : `${plain.slice(0, quotedCharsMax)}…`;
}

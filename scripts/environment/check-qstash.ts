import { askServer, fieldOf } from "./ask-server.ts";
import { ok, setupCommand, wrong, type Finding } from "./finding.ts";
import { troubleOf } from "./trouble.ts";

const atConsole = "https://console.upstash.com → QStash shows";

export interface SigningKeys {
  readonly current: string;
  readonly next: string;
}

export interface QstashAccess {
  readonly url: string;
  readonly token: string;
}

/** The signing keys of the account, which only the right token at the right region gets. */
export async function readSigningKeys({ url, token }: QstashAccess): Promise<SigningKeys | Finding> {
  const said = await askServer(`${url.replace(/\/+$/, "")}/v2/keys`, { headers: { Authorization: `Bearer ${token}` } });
  if (said.kind === "silence") {
    return wrong(`QStash does not answer: ${said.words}. ${atConsole} QSTASH_URL.`, setupCommand);
  }
  if (said.status === 401 || said.status === 403) {
    const words = `QStash does not accept the token. ${atConsole} QSTASH_TOKEN, and QSTASH_URL of its region.`;
    return wrong(words, setupCommand);
  }
  const trouble = troubleOf("QStash", said, token);
  if (trouble !== undefined) return trouble;
  const current = fieldOf(said.body, "current");
  const next = fieldOf(said.body, "next");
  if (said.status === 200 && typeof current === "string" && typeof next === "string") return { current, next };
  return wrong(`What answers there with status ${said.status} is no QStash. ${atConsole} QSTASH_URL.`, setupCommand);
}

/** Whether the token is good, and the keys are those that QStash signs with. */
export async function checkQstash(access: QstashAccess, keys: SigningKeys): Promise<readonly Finding[]> {
  const found = await readSigningKeys(access);
  if ("isOk" in found) return [found];
  return [
    ok("QStash accepts the token."),
    keyFinding("QSTASH_CURRENT_SIGNING_KEY", keys.current, found),
    nextFinding(keys, found),
  ];
}

function keyFinding(name: string, key: string, found: SigningKeys): Finding {
  if (key === found.current) return ok(`${name} is the key that QStash signs with.`);
  const state = key === found.next ? "is the next key, not the current one" : "is not the key that QStash signs with";
  return wrong(`${name} ${state}: deliveries would fail with "Invalid QStash signature".`, setupCommand);
}

function nextFinding(keys: SigningKeys, found: SigningKeys): Finding {
  if (keys.next === found.next) return ok("QSTASH_NEXT_SIGNING_KEY is the key that comes after it.");
  return wrong(
    "QSTASH_NEXT_SIGNING_KEY is not the next key: deliveries would fail once the keys rotate.",
    setupCommand,
  );
}

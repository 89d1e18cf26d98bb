/** Whether the app answers at its public address, and takes what QStash delivers there. */
import { createHash, createHmac, randomUUID } from "node:crypto";
import type { QstashConfig } from "../../src/config.ts";
import { askServer, fieldOf } from "../environment/ask-server.ts";
import { ok, setupCommand, wrong, type Finding } from "../environment/finding.ts";
import { isPublicUrl } from "../environment/is-public-url.ts";
import { troubleOf } from "../environment/trouble.ts";

/** Takes signed deliveries only, and doing it once more than needed changes nothing. */
const probePath = "/api/engine/resume";
const deliveryMsMax = 30_000;
const pollMs = 250;
/** A message is given up a moment before it is among the dead letters. */
const letterMsMax = 3_000;

export async function checkApp(appUrl: string): Promise<readonly Finding[]> {
  const health = await askServer(`${appUrl}/health`);
  if (health.kind === "silence" || health.status !== 200) {
    const state = health.kind === "silence" ? health.words : `status ${health.status}`;
    const words = `The app does not answer at ${appUrl}, which is APP_URL: ${state}.`;
    return [wrong(words, isPublicUrl(appUrl) ? "npm run deploy" : "npm start")];
  }
  const ready = await askServer(`${appUrl}/ready`);
  if (ready.kind === "answer" && ready.status === 200) {
    const isFallback = fieldOf(fieldOf(ready.body, "queue"), "isFallback") === true;
    const words = isFallback ? "The app is ready; it runs without QStash." : "The app is ready.";
    return [ok(`The app answers at ${appUrl}.`), ok(words)];
  }
  const code = ready.kind === "answer" ? fieldOf(ready.body, "code") : undefined;
  const why = code === "misconfigured" ? "its configuration is incomplete" : "its storage does not answer";
  return [ok(`The app answers at ${appUrl}.`), wrong(`The app is not ready: ${why}.`, newBindings(appUrl))];
}

/** Gives the app the values that the wizard finds right. */
function newBindings(appUrl: string): string {
  return isPublicUrl(appUrl) ? `${setupCommand} -- --push` : `${setupCommand}, then npm start`;
}

/** Sends one message through QStash and waits until it arrived, or did not. Costs one message, of which nothing is left. */
export async function checkDelivery(appUrl: string, { url, token }: QstashConfig): Promise<Finding> {
  const target = `${appUrl}${probePath}`;
  if (isPublicUrl(url) && !isPublicUrl(appUrl)) {
    const words = `QStash cannot reach ${appUrl} from the internet; a tunnel can, whose address is then APP_URL.`;
    return wrong(words, `npm run deploy, or ${setupCommand} with a tunnel`);
  }
  const authorization = { Authorization: `Bearer ${token.reveal()}` };
  const sent = await askServer(`${url}/v2/publish/${target}`, {
    method: "POST",
    headers: { ...authorization, "Content-Type": "application/json", "Upstash-Retries": "0" },
    body: "{}",
  });
  // With 400 it refuses the address.
  const trouble = sent.kind === "answer" && sent.status !== 400 ? troubleOf("QStash", sent, token.reveal()) : undefined;
  if (trouble !== undefined) return trouble;
  const messageId = sent.kind === "answer" ? fieldOf(sent.body, "messageId") : undefined;
  if (typeof messageId !== "string") {
    const state = sent.kind === "silence" ? sent.words : `status ${sent.status}`;
    const words = `QStash does not take the message: ${state}; APP_URL may be none.`;
    return wrong(words, setupCommand);
  }
  const end = await endOf(`${url}/v2/logs?messageId=${messageId}`, authorization);
  if (end?.state === "DELIVERED") return ok("A signed delivery arrives, and its signature holds.");
  await clearAway(url, authorization, messageId);
  if (end?.status === 401) {
    return wrong("Invalid QStash signature: the app refuses the delivery.", newBindings(appUrl));
  }
  const why =
    end === undefined ? `nothing happened within ${deliveryMsMax / 1000} s` : `status ${end.status ?? "unknown"}`;
  const words = `The delivery does not arrive: ${why}; https://console.upstash.com → QStash → Logs has the answer.`;
  return wrong(words, isPublicUrl(appUrl) ? "npx wrangler tail" : `tail .stack/app-${new URL(appUrl).port}/app.log`);
}

/** Takes back what was sent, wherever it is: as a dead letter it would be an alert, of nothing that anybody has lost. */
async function clearAway(url: string, headers: Record<string, string>, messageId: string): Promise<void> {
  await askServer(`${url}/v2/messages/${messageId}`, { method: "DELETE", headers });
  const untilMs = Date.now() + letterMsMax;
  do {
    const said = await askServer(`${url}/v2/dlq?messageId=${messageId}`, { headers });
    const letters = said.kind === "answer" ? fieldOf(said.body, "messages") : undefined;
    // Whatever the server makes of the filter, nobody else's letter is deleted.
    const own = (Array.isArray(letters) ? (letters as unknown[]) : []).find(
      (letter) => fieldOf(letter, "messageId") === messageId,
    );
    const dlqId = fieldOf(own, "dlqId");
    if (typeof dlqId === "string") {
      await askServer(`${url}/v2/dlq/${dlqId}`, { method: "DELETE", headers });
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  } while (Date.now() < untilMs);
}

async function endOf(
  url: string,
  headers: Record<string, string>,
): Promise<{ state: string; status: number | undefined } | undefined> {
  const untilMs = Date.now() + deliveryMsMax;
  while (Date.now() < untilMs) {
    const said = await askServer(url, { headers });
    const logs = said.kind === "answer" ? (fieldOf(said.body, "logs") ?? fieldOf(said.body, "events")) : undefined;
    for (const log of Array.isArray(logs) ? (logs as unknown[]) : []) {
      const state = fieldOf(log, "state");
      const status = fieldOf(log, "responseStatus");
      if (state === "DELIVERED" || state === "FAILED" || state === "ERROR")
        return { state, status: typeof status === "number" ? status : undefined };
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  return undefined;
}

/** Signs as QStash does, once with each key: after a rotation the next one is in use, without another deployment. */
export async function checkBothKeys(appUrl: string, qstash: QstashConfig): Promise<readonly Finding[]> {
  const keys = { current: qstash.currentSigningKey, next: qstash.nextSigningKey };
  return Promise.all(
    Object.entries(keys).map(async ([name, key]) => {
      const url = `${appUrl}${probePath}`;
      const signature = signed(url, "{}", key.reveal());
      const headers = { "Upstash-Signature": signature, "Content-Type": "application/json" };
      const said = await askServer(url, { method: "POST", headers, body: "{}" });
      if (said.kind === "answer" && said.status === 200) return ok(`The app verifies the ${name} signing key.`);
      const state = said.kind === "silence" ? said.words : `status ${said.status}`;
      return wrong(`The app does not verify the ${name} signing key: ${state}.`, newBindings(appUrl));
    }),
  );
}

/** Source: QStash, "How signing works": a JWT over issuer, URL, times and the hash of the body. */
function signed(url: string, body: string, key: string): string {
  const now = Math.floor(Date.now() / 1000);
  const hash = createHash("sha256").update(body).digest("base64url");
  const claims = {
    iss: "Upstash",
    sub: url,
    exp: now + 300,
    nbf: now - 30,
    iat: now,
    jti: randomUUID(),
    body: `${hash}=`,
  };
  const parts = [{ alg: "HS256", typ: "JWT" }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString("base64url"),
  );
  const text = parts.join(".");
  return `${text}.${createHmac("sha256", key).update(text).digest("base64url")}`;
}

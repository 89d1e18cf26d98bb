import { qstashUrl } from "../../src/config.ts";
import { checkQstash } from "../environment/check-qstash.ts";
import { ok, setupCommand, wrong, type Finding } from "../environment/finding.ts";
import { isFallbackAsked, type BindingMap } from "./check-environment.ts";

/** Whether QStash takes the token, and the keys are its own. Says so, too, where there is nothing to ask it with. */
export async function checkQueue(bindings: BindingMap): Promise<readonly Finding[]> {
  const value = (name: string): string => bindings.get(name)?.value ?? "";
  if (isFallbackAsked(bindings)) return [ok("QStashService not initialized: QUEUE=fetch does without it.")];
  if (!bindings.has("QSTASH_TOKEN")) {
    return [wrong("QStashService not initialized: QSTASH_TOKEN is not set.", setupCommand)];
  }
  const keys = { current: value("QSTASH_CURRENT_SIGNING_KEY"), next: value("QSTASH_NEXT_SIGNING_KEY") };
  const findings = await checkQstash(
    { url: bindings.get("QSTASH_URL")?.value ?? qstashUrl, token: value("QSTASH_TOKEN") },
    keys,
  );
  const isReady = findings.every(({ isOk }) => isOk);
  return isReady ? [...findings, ok("QStashService initialized successfully")] : findings;
}

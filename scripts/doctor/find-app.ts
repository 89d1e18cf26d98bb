/** Which of the apps that `npm start` has started on this machine is examined. */
import { existsSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { askServer } from "../environment/ask-server.ts";
import { setupCommand, wrong, type Finding } from "../environment/finding.ts";
import { fromNpmStart, type Binding } from "../environment/read-environment.ts";

export interface StartedApp {
  readonly port: string;
  /** Of the others that run now. */
  readonly otherPorts: readonly string[];
}

const usualPort = "8787";
/** Tests and demos leave folders behind; who started one lately is among these. */
const foldersMax = 16;
const waitMsMax = 2_000;

/**
 * The one that APP_PORT states; else the one at the usual port or another, whichever runs; else that of the usual port.
 *
 * @param folder where each start has a folder of its own, by its port.
 */
export async function findApp(folder: string, statedPort: string | undefined): Promise<StartedApp> {
  if (statedPort !== undefined && statedPort !== "") return { port: statedPort, otherPorts: [] };
  const ports = startedPorts(folder);
  const answers = await Promise.all(ports.map((port) => askServer(`http://127.0.0.1:${port}/health`, {}, waitMsMax)));
  const running = ports.filter((_port, at) => {
    const said = answers[at];
    return said?.kind === "answer" && said.status === 200;
  });
  const port = running.includes(usualPort) ? usualPort : (running[0] ?? usualPort);
  return { port, otherPorts: running.filter((other) => other !== port) };
}

/** The newest first. */
function startedPorts(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const started = readdirSync(folder).flatMap((name) => {
    const port = /^app-(\d+)$/.exec(name)?.[1];
    const atMs = statSync(path.join(folder, name, "bindings.env"), { throwIfNoEntry: false })?.mtimeMs;
    return port === undefined || atMs === undefined ? [] : [{ port, atMs }];
  });
  return started
    .toSorted((a, b) => b.atMs - a.atMs)
    .slice(0, foldersMax)
    .map(({ port }) => port);
}

/** Nothing where there is nothing to choose from. */
export function appWords({ port, otherPorts }: StartedApp): string {
  if (port === usualPort && otherPorts.length === 0) return "";
  const others = otherPorts.map((other) => `; APP_PORT=${other} npm run doctor examines another that runs`);
  return `, of the app at port ${port}${others.join("")}`;
}

/** What `npm start` has set, all of it, a new start sets right; nobody needs the wizard for it. */
export function mendedByStart(
  findings: readonly Finding[],
  bindings: readonly (Binding | undefined)[],
  port: string,
): readonly Finding[] {
  if (!bindings.every((binding) => binding?.source === fromNpmStart)) return findings;
  const start = port === usualPort ? "npm start" : `APP_PORT=${port} npm start`;
  const isStart = (mend: string | undefined): boolean => mend === setupCommand || mend === "npm start";
  return findings.map((finding) => (isStart(finding.mend) ? wrong(finding.words, start) : finding));
}

/** Where neither `npm start` nor the wizard has run. */
export const nothingSet = wrong(
  "Nothing is set: npm start has not run here, and .dev.vars has nothing.",
  `npm start for all of it on this machine, or ${setupCommand} for services of your own`,
);

/** Which app of this machine the doctor examines, and what mends what `npm start` has set. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { appWords, findApp, mendedByStart } from "../../scripts/doctor/find-app.ts";
import { ok, wrong } from "../../scripts/environment/finding.ts";
import { serveFetch } from "../support/serve-fetch.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "starts-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
});

function leaveBindings(port: string): string {
  mkdirSync(path.join(folder, `app-${port}`));
  writeFileSync(path.join(folder, `app-${port}`, "bindings.env"), "");
  return port;
}

async function startApp(status = 200): Promise<string> {
  const app = await serveFetch(() => Promise.resolve(new Response("{}", { status })));
  onTestFinished(() => app.close());
  return leaveBindings(new URL(app.url).port);
}

describe("the doctor", () => {
  it("examines the app that runs, wherever it was started", async () => {
    leaveBindings("1");
    await startApp(404);
    const port = await startApp();
    mkdirSync(path.join(folder, "app-without-bindings"));
    const found = await findApp(folder, undefined);
    expect(found).toEqual({ port, otherPorts: [] });
    expect(appWords(found)).toBe(`, of the app at port ${port}`);
  });

  it("names the others that run", async () => {
    const ports = [await startApp(), await startApp()];
    const { port, otherPorts } = await findApp(folder, "");
    expect([port, ...otherPorts].toSorted()).toEqual(ports.toSorted());
    expect(appWords({ port, otherPorts })).toContain(`; APP_PORT=${otherPorts[0]} npm run doctor examines another`);
  });

  it("examines the stated one, whatever runs; and the usual one where none does", async () => {
    await startApp();
    expect(await findApp(folder, "8821")).toEqual({ port: "8821", otherPorts: [] });
    const none = await findApp(path.join(folder, "none"), undefined);
    expect(none).toEqual({ port: "8787", otherPorts: [] });
    expect(appWords(none)).toBe("");
  });
});

describe("what npm start has set", () => {
  const silent = wrong("Redis does not answer: nobody listens there.", "npm run setup");
  const ofStart = { value: "x", source: "npm start" };

  it("a new start mends, at its port; another mend stays", () => {
    const later = wrong("Redis answers with status 503.", "npm run doctor, later");
    const findings = [ok("fine"), silent, later];
    expect(mendedByStart(findings, [ofStart], "8787")).toEqual([ok("fine"), { ...silent, mend: "npm start" }, later]);
    expect(mendedByStart([silent], [ofStart], "8821")[0]?.mend).toBe("APP_PORT=8821 npm start");
  });

  it.each([
    ["that somebody else has set", { value: "x", source: ".dev.vars" }],
    ["that is missing", undefined],
  ])("but one %s the wizard does", (_what, other) => {
    expect(mendedByStart([silent], [ofStart, other], "8787")).toEqual([silent]);
  });
});

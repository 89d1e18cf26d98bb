/** wrangler.toml as wrangler reads it: one Worker, for either plan. */
import { describe, expect, it } from "vitest";
import { unstable_readConfig } from "wrangler";
import { deployedVariables } from "../../scripts/setup/push-secrets.ts";
import { budgetProfiles } from "../../src/engine/budget.ts";

const free = unstable_readConfig({ config: "wrangler.toml" });
const paid = unstable_readConfig({ config: "wrangler.toml", env: "paid" });

describe("the environment of the paid plan", () => {
  it("differs from that of the free plan in the plan and its limits alone", () => {
    const { vars, limits, targetEnvironment, ...same } = paid;
    const { vars: freeVars, limits: freeLimits, targetEnvironment: _, ...expected } = free;
    expect({ vars, targetEnvironment }).toEqual({
      vars: { ...freeVars, WORKERS_PLAN: "paid" },
      targetEnvironment: "paid",
    });
    expect(freeLimits).toBeUndefined();
    expect(same).toEqual(expected);
    expect(limits?.cpu_ms).toBeGreaterThanOrEqual(budgetProfiles.paid.cpuMs);
    expect(limits?.subrequests).toBeGreaterThanOrEqual(budgetProfiles.paid.subrequests);
  });
});

describe.each([
  ["free", free],
  ["paid", paid],
])("what is deployed to the %s plan", (_plan, config) => {
  it("has the static files, the sweep of each minute and the first gate", () => {
    expect(config.assets).toMatchObject({ binding: "ASSETS", directory: expect.stringMatching(/dist\/web$/) });
    expect(config.triggers.crons).toEqual(["* * * * *"]);
    expect(config.ratelimits).toEqual([expect.objectContaining({ name: "RATE_LIMITER" })]);
  });

  it("looks names up over HTTPS before tools reach for them", () => {
    expect(String(config.vars["EGRESS_DNS_URL"])).toMatch(/^https:/);
  });

  it("takes no secret of the name of one of its variables: wrangler would refuse it", () => {
    expect(Object.keys(config.vars).filter((name) => !deployedVariables.has(name))).toEqual([]);
  });

  it("keeps queries and the headers of requests out of the logs", () => {
    expect(config.observability).toMatchObject({
      enabled: true,
      redact_query_string: true,
      logs: { invocation_logs: false },
    });
  });
});

/** What callers present, fed with chance and with near misses as in `fuzz-parsers.test.ts`: tokens, keys, tickets, addresses, headers, and the times of schedules. */
import type { Context } from "hono";
import { expect, describe, it } from "vitest";
import * as z from "zod/mini";
import type { IdentityProvider } from "../../src/config/identity-provider.ts";
import { AppError } from "../../src/core/errors.ts";
import { limits } from "../../src/core/limits.ts";
import { Secret } from "../../src/core/secret.ts";
import { readIdempotencyKey } from "../../src/http/idempotency-key.ts";
import { readWhen, ScheduleDraft } from "../../src/http/routes/schedule-body.ts";
import { readWaitMs } from "../../src/http/start-run.ts";
import { networkOf } from "../../src/limit/caller.ts";
import { isOnce } from "../../src/schedule/schedule.ts";
import { issueKeyToken, readKeyToken } from "../../src/session/api-key-token.ts";
import { guestTenant } from "../../src/session/identity.ts";
import { createSigner } from "../../src/session/signer.ts";
import { createTickets } from "../../src/session/tickets.ts";
import { systemRandom } from "../../src/system/random.ts";
import { tokenVerifier } from "../../src/system/token-verifier.ts";
import { manualClock } from "../fakes/clock.ts";
import { expectOnly, spoiled, timeout } from "../support/fuzz.ts";
import { testProvider } from "../support/identity-provider.ts";

const clock = manualClock();
const signer = createSigner(new Secret("a secret for tests that is long enough"));
const userId = `usr_${"0a".repeat(16)}`;
const isApp =
  (code: string) =>
  (thrown: unknown): boolean =>
    thrown instanceof AppError && thrown.code === code;

describe("an identity provider's", () => {
  const url = "https://login.customer.example/keys";

  async function rig(keys: IdentityProvider["keys"] = { kind: "jwks", url }) {
    const their = await testProvider(clock.now());
    const { issuer, audience } = their;
    const provider: IdentityProvider = { issuer, audience, algorithm: "ES256", keys, tenantClaim: undefined };
    const verifierFor = (answer: () => string) =>
      tokenVerifier({
        provider,
        clock,
        memory: { kept: undefined, fetchedAtMs: [] },
        fetch: async () => new Response(answer()),
      });
    return { their, verifierFor };
  }

  it("token is forged or expired, or names whom it named before it was spoiled", { timeout }, async () => {
    const { their, verifierFor } = await rig();
    const verify = verifierFor(() => JSON.stringify(their.jwks));
    const token = await their.sign();
    const whole = await verify(token);
    expect(whole.kind).toBe("vouched");
    await expectOnly(spoiled([token, await their.sign({ exp: 1 })]), async (input) => {
      const claim = await verify(input);
      if (claim.kind === "vouched") expect(claim).toEqual(whole);
      else expect(["forged", "expired"]).toContain(claim.kind);
    });
  });

  it("keys are keys, or are not there", { timeout }, async () => {
    const { their, verifierFor } = await rig();
    const token = await their.sign();
    await expectOnly(
      spoiled([JSON.stringify(their.jwks), '{"keys":[null,{"kty":"EC"},7]}']),
      async (answer) => expect(["vouched", "forged"]).toContain((await verifierFor(() => answer)(token)).kind),
      isApp("identity_provider_unavailable"),
    );
  });
});

describe("what carries our signature", () => {
  it("is no API key but the one that was made", { timeout }, async () => {
    const fields = { keyId: "key_0123456789abcdef", isActing: true, userId, tenant: guestTenant };
    const { token } = await issueKeyToken({ signer, random: systemRandom }, fields);
    await expectOnly(spoiled([token]), async (input) =>
      expect((await readKeyToken(signer, input)) !== undefined, input).toBe(input === token),
    );
  });

  it("is no ticket but the one that was made", { timeout }, async () => {
    const tickets = createTickets({ store: { put: async () => {} }, signer, random: systemRandom });
    const ticket = await tickets.issue({ userId, tenant: guestTenant, scopes: [] }, "/api/runs/run_1/events");
    await expectOnly(spoiled([ticket]), async (input) =>
      expect((await tickets.claim(input, "/")).kind, input).toBe(input === ticket ? "ticket" : "forged"),
    );
  });
});

describe("a header", () => {
  it("of a client's address is a network, or nothing", { timeout }, () => {
    const seeds = ["192.0.2.17", "2001:db8::1", "::ffff:192.0.2.17", "fe80::1%eth0", "1:2:3:4:5:6:7:8"];
    return expectOnly(spoiled(seeds), (address) =>
      expect(networkOf(address) ?? "::/64").toMatch(/^[\d.]+$|^[\da-f:]+\/64$/),
    );
  });

  it("Idempotency-Key is a key, or refused", { timeout }, () =>
    expectOnly(
      spoiled(["order-4711", "a".repeat(255)]),
      (key) => expect(readIdempotencyKey({ req: { header: () => key } } as unknown as Context)).toBe(key),
      isApp("bad_request"),
    ),
  );

  it("Prefer is a wait within its limit, or none", { timeout }, () =>
    expectOnly(spoiled(["wait=20", "respond-async, wait=9999", "handling=lenient; wait=1"]), (prefer) => {
      const waitMs = readWaitMs(prefer);
      expect(waitMs >= 0 && waitMs <= limits.preferWaitMsMax).toBe(true);
    }),
  );
});

describe("a schedule's time", () => {
  it("is a time within a year or a cron, or is refused", { timeout }, () => {
    const nowMs = 1_800_000_000_000;
    const seeds = ["30s", "999999999d", "2027-01-16T09:00:00Z", "2027-03-01T09:00:00+05:30", "0 9 * * 1-5", "UTC"];
    return expectOnly(spoiled(seeds), (text) => {
      for (const given of [{ delay: text }, { at: text }, { cron: text }, { cron: "0 9 * * *", timeZone: text }]) {
        const draft = z.safeParse(ScheduleDraft.shape.when, given);
        if (!draft.success) continue;
        try {
          const when = readWhen(draft.data, nowMs);
          if (isOnce(when)) expect(when.at >= nowMs && when.at <= nowMs + limits.waitMsMax).toBe(true);
        } catch (thrown) {
          if (!isApp("bad_request")(thrown)) throw thrown;
        }
      }
    });
  });
});

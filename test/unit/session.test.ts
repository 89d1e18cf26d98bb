import { describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { Secret } from "../../src/core/secret.ts";
import { createSessions } from "../../src/session/sessions.ts";
import { createSigner } from "../../src/session/signer.ts";
import type { SessionClaim } from "../../src/session/claim.ts";
import { systemRandom } from "../../src/system/random.ts";
import { manualClock } from "../fakes/clock.ts";
import { memorySessionStore } from "../fakes/memory-session-store.ts";

const hourMs = 60 * 60 * 1000;

function rig(secret = "0123456789abcdef0123456789abcdef") {
  const clock = manualClock();
  const store = memorySessionStore(clock);
  return {
    clock,
    store,
    sessions: createSessions({ store, signer: createSigner(new Secret(secret)), clock, random: systemRandom }),
  };
}

describe("a session", () => {
  it("is claimed by the token that was issued, and its record is there", async () => {
    const { sessions, store } = rig();
    const issued = await sessions.open();
    const claim = await sessions.claim(issued.token);
    expect(claim).toMatchObject({ kind: "session", ref: issued.ref, expiresAtMs: issued.expiresAtMs });
    expect(await store.read(issued.ref)).toMatchObject({ userId: issued.ref.userId });
  });

  it("belongs to another user each time one is opened", async () => {
    const { sessions } = rig();
    expect((await sessions.open()).ref.userId).not.toBe((await sessions.open()).ref.userId);
  });

  it("keeps its secret out of the storage key", async () => {
    const { sessions } = rig();
    const { token, ref } = await sessions.open();
    expect(ref.secretHash).toMatch(/^[0-9a-f]{64}$/);
    expect(ref.secretHash).not.toContain(token.split(".")[1]);
  });

  it("tells no cookie, a forged one and an expired one apart", async () => {
    const { sessions, clock } = rig();
    const { token } = await sessions.open();
    expect(await sessions.claim(undefined)).toEqual({ kind: "none" });
    expect(await sessions.claim("")).toEqual({ kind: "none" });
    await clock.advance(limits.sessionTtlSeconds * 1000 + 1000);
    expect(await sessions.claim(token)).toEqual({ kind: "expired" });
  });

  it("is not claimed by a token with any single character changed", async () => {
    const { sessions } = rig();
    const { token } = await sessions.open();
    for (let index = 0; index < token.length; index += 1) {
      const changed = token[index] === "a" ? "b" : "a";
      const claim = await sessions.claim(token.slice(0, index) + changed + token.slice(index + 1));
      expect(claim.kind, `character ${index}`).toBe("forged");
    }
  });

  it.each(["x", "...", "a.b.c.d", "a.b.c.d.e", "é.é.é.é", "a".repeat(10_000)])(
    "is not claimed by nonsense: %.20s",
    async (token) => {
      expect(await rig().sessions.claim(token)).toEqual({ kind: "forged" });
    },
  );

  it("is not claimed by a token signed with another secret", async () => {
    const { token } = await rig("another secret of enough letters").sessions.open();
    expect(await rig().sessions.claim(token)).toEqual({ kind: "forged" });
  });

  it("gets a new token of the same session once the old one is an hour old, not before", async () => {
    const { sessions, clock } = rig();
    const issued = await sessions.open();
    const claim = (await sessions.claim(issued.token)) as SessionClaim;
    expect(await sessions.renewal(claim)).toBeUndefined();
    await clock.advance(hourMs + 1000);
    const renewed = await sessions.renewal((await sessions.claim(issued.token)) as SessionClaim);
    expect(renewed?.ref).toEqual(issued.ref);
    expect(renewed?.expiresAtMs).toBeGreaterThan(issued.expiresAtMs);
    expect(await sessions.claim(renewed?.token)).toMatchObject({ kind: "session", ref: issued.ref });
  });
});

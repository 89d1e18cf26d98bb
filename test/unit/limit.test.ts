import { describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { createBlockedCallers } from "../../src/limit/blocked-callers.ts";
import { callerBucket, networkOf } from "../../src/limit/caller.ts";
import { createEndedCredentials } from "../../src/limit/ended-credentials.ts";
import { manualClock } from "../fakes/clock.ts";
import { memoryRateLimiter } from "../fakes/memory-rate-limiter.ts";

describe("a caller", () => {
  it("is counted as a user when known, whatever the address", () => {
    expect(callerBucket({ userId: "usr_1", address: "192.0.2.1", requestId: "r" })).toBe("{usr_1}");
  });

  it("is counted by address when unknown", () => {
    expect(callerBucket({ userId: undefined, address: "192.0.2.1", requestId: "r" })).toBe("{192.0.2.1}");
  });

  it.each([undefined, "", "unknown", "999.1.1.1", "1::2::3"])(
    "without an address (%s) shares a bucket with nobody",
    (address) => {
      const one = callerBucket({ userId: undefined, address, requestId: "r1" });
      expect(one).not.toBe(callerBucket({ userId: undefined, address, requestId: "r2" }));
    },
  );
});

describe("a network", () => {
  it.each([
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::1", "2001:db8:1:2::/64"],
    ["2001:0DB8:0001:0002::ffff", "2001:db8:1:2::/64"],
    ["::1", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["1:2:3:4:5:6:7::", "1:2:3:4::/64"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
  ])("of %s is %s", (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  it.each(["1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "g::1", ":", "1.2.3", "a"])(
    "is not read from %s",
    (address) => {
      expect(networkOf(address)).toBeUndefined();
    },
  );
});

describe("a sliding window", () => {
  it("lets a caller back in as the last window fades, not all at once", async () => {
    const clock = manualClock();
    const limiter = memoryRateLimiter(clock);
    const max = limits.agentCreationsPerWindow;
    for (let count = 0; count < max; count += 1) await limiter.take("agent-creation", "{a}");
    expect((await limiter.take("agent-creation", "{a}")).kind).toBe("exhausted");
    await clock.advance(limits.limiterWindowMs + limits.limiterWindowMs / 2);
    const kinds: string[] = [];
    for (let count = 0; count < max; count += 1) kinds.push((await limiter.take("agent-creation", "{a}")).kind);
    expect(kinds).toEqual(["allowed", "allowed", "allowed", "exhausted", "exhausted"]);
  });
});

describe("callers over a limit", () => {
  const verdict = {
    name: "api",
    kind: "exhausted",
    limit: 100,
    remaining: 0,
    resetAtMs: 60_000,
    retryAfterMs: 1,
  } as const;

  it("are remembered until their window ends, by limiter, and nobody else is", () => {
    const blocked = createBlockedCallers();
    blocked.note("api", "{a}", verdict);
    blocked.note("api", "{b}", { ...verdict, kind: "allowed" });
    expect(blocked.find("api", "{a}", 59_000)).toEqual({ ...verdict, retryAfterMs: 1_000 });
    expect(blocked.find("chat", "{a}", 59_000)).toBeUndefined();
    expect(blocked.find("api", "{b}", 59_000)).toBeUndefined();
    expect(blocked.find("api", "{a}", 60_000)).toBeUndefined();
  });

  it("are forgotten oldest first when there are too many", () => {
    const blocked = createBlockedCallers();
    for (let count = 0; count <= limits.blockedCallersMax; count += 1) blocked.note("api", `{${count}}`, verdict);
    expect(blocked.find("api", "{0}", 0)).toBeUndefined();
    expect(blocked.find("api", "{1}", 0)).toBeDefined();
  });
});

describe("what an isolate remembers", () => {
  it("of what has ended are the newest", () => {
    const ended = createEndedCredentials();
    for (let count = 0; count <= limits.blockedCallersMax; count += 1) ended.note(`hash-${count}`);
    expect([ended.has("hash-0"), ended.has("hash-1"), ended.has("never-seen")]).toEqual([false, true, false]);
    expect(ended.has(`hash-${limits.blockedCallersMax}`)).toBe(true);
  });
});

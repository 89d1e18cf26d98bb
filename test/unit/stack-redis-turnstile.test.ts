import { describe, expect, it } from "vitest";
import { createTurnstile } from "../../stack/redis/turnstile.ts";

/** Work that ends when it is told to, and writes down when it begins and ends. */
function createWork(diary: string[]) {
  const ends = new Map<string, () => void>();
  return {
    begin: (name: string) => async (): Promise<string> => {
      diary.push(`${name} begins`);
      await new Promise<void>((resolve) => ends.set(name, resolve));
      diary.push(`${name} ends`);
      return name;
    },
    end: (name: string) => ends.get(name)?.(),
  };
}

describe("a turnstile", () => {
  it("lets many through together, each at once", () => {
    const diary: string[] = [];
    const work = createWork(diary);
    const turnstile = createTurnstile();
    for (const name of ["a", "b"]) void turnstile.together(work.begin(name));
    expect(diary).toEqual(["a begins", "b begins"]);
  });

  it("lets one alone when all who came before are through, and keeps who comes later waiting", async () => {
    const diary: string[] = [];
    const work = createWork(diary);
    const turnstile = createTurnstile();
    const before = turnstile.together(work.begin("before"));
    const alone = turnstile.alone(work.begin("alone"));
    const after = turnstile.together(work.begin("after"));
    work.end("before");
    await before;
    await expect.poll(() => diary.at(-1)).toBe("alone begins");
    work.end("alone");
    expect(await alone).toBe("alone");
    await expect.poll(() => diary.at(-1)).toBe("after begins");
    work.end("after");
    await after;
    expect(diary).toEqual(["before begins", "before ends", "alone begins", "alone ends", "after begins", "after ends"]);
  });

  it("lets those who want to be alone through in their order, also when one of them fails", async () => {
    const turnstile = createTurnstile();
    const diary: string[] = [];
    const failing = turnstile.alone(async () => {
      diary.push("first");
      throw new Error("broken");
    });
    const second = turnstile.alone(async () => void diary.push("second"));
    await expect(failing).rejects.toThrow("broken");
    await second;
    await turnstile.together(async () => void diary.push("third"));
    expect(diary).toEqual(["first", "second", "third"]);
  });
});

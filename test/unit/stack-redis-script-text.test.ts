import { describe, expect, it } from "vitest";
import { countingScript, libraryWithoutKeyLocking, withoutKeyLocking } from "../../stack/redis/script-text.ts";

describe("the text of a script", () => {
  it("loses the flag that only Upstash knows, and nothing else", () => {
    const cases: [string, string, string][] = [
      ["#!lua flags=allow-key-locking\nreturn 1", "#!lua\n", "return 1"],
      ["#!lua flags=no-writes,allow-key-locking\nreturn 1", "#!lua flags=no-writes\n", "return 1"],
      ["#!lua flags=allow-key-locking,no-writes\r\nreturn 1", "#!lua flags=no-writes\n", "return 1"],
      ["#!lua name=lib flags=allow-key-locking\nx", "#!lua name=lib\n", "x"],
      ["#!lua flags=no-writes\nreturn 1", "#!lua flags=no-writes\n", "return 1"],
      ["#!lua", "#!lua\n", ""],
      ["return 'allow-key-locking'", "", "return 'allow-key-locking'"],
    ];
    for (const [script, shebang, body] of cases) expect(withoutKeyLocking(script)).toEqual({ shebang, body });
  });

  it("keeps every line where it was, so that errors name the client's lines", () => {
    for (const script of ["a\nb\nc", "#!lua flags=allow-key-locking\nb\nc"]) {
      const lines = countingScript(script, "0".repeat(40)).split("\n");
      expect(lines[2]).toBe("c");
      expect(lines[1]?.endsWith("b")).toBe(true);
      expect(lines[3]).toBe("end)");
    }
  });

  it("a library loses the flag where it registers a function", () => {
    const code =
      "#!lua name=lib\nredis.register_function{function_name='f', callback=f, flags={'allow-key-locking', 'no-writes'}}";
    expect(libraryWithoutKeyLocking(code)).toContain("flags={ 'no-writes'}");
  });
});

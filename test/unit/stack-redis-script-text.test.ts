import { describe, expect, it } from "vitest";
import { libraryText, readLibraryList } from "../../stack/redis/library-text.ts";
import { countingScript, withoutKeyLocking } from "../../stack/redis/script-text.ts";

describe("the text of a script", () => {
  it("loses the flag that only Upstash knows, and nothing else", () => {
    const cases: [script: string, shebang: string, body: string, isLocking: boolean][] = [
      ["#!lua flags=allow-key-locking\nreturn 1", "\n", "return 1", true],
      ["#!lua flags=no-writes,allow-key-locking\nreturn 1", "#!lua flags=no-writes\n", "return 1", true],
      ["#!lua flags=allow-key-locking,no-writes\r\nreturn 1", "#!lua flags=no-writes\n", "return 1", true],
      ["#!lua name=lib flags=allow-key-locking\nx", "#!lua name=lib\n", "x", true],
      ["#!lua flags=no-writes\nreturn 1", "#!lua flags=no-writes\n", "return 1", false],
      ["#!lua", "#!lua\n", "", false],
      ["return 'allow-key-locking'", "", "return 'allow-key-locking'", false],
    ];
    for (const [script, shebang, body, isLocking] of cases) {
      expect(withoutKeyLocking(script)).toEqual({ shebang, body, isLocking });
    }
  });

  it("keeps every line where it was, so that errors name the client's lines", () => {
    for (const script of ["a\nb\nc", "#!lua flags=allow-key-locking\nb\nc"]) {
      const lines = countingScript(script, "0".repeat(40)).split("\n");
      expect(lines[2]).toBe("c");
      expect(lines[1]?.endsWith("b")).toBe(true);
      expect(lines[3]).toBe("end)");
    }
  });
});

describe("the text of a library", () => {
  const code =
    "#!lua name=lib\nredis.register_function{function_name='f', callback=f, flags={'allow-key-locking', 'no-writes'}}\nreturn";

  it("loses the flag where it registers a function, and keeps every line where it was", () => {
    const lines = libraryText(code).split("\n");
    expect(lines[0]).toBe("#!lua name=lib");
    expect(lines[1]).toMatch(/register_redis__\{function_name='f', callback=f, flags=\{ 'no-writes'\}\}$/);
    expect(lines[2]).toBe("return");
  });

  it("is listed as it was given, without what was added", () => {
    const plain = "#!lua name=lib\nserver.register_function('f', f)";
    const functionOf = (name: string): Buffer[] => [Buffer.from("name"), Buffer.from(name)];
    const library = (names: string[], text: string) => [
      Buffer.from("functions"),
      names.map(functionOf),
      Buffer.from("library_code"),
      Buffer.from(text),
    ];
    const listed = readLibraryList([library(["f", "f__read_only"], libraryText(plain))]);
    expect(listed).toEqual([library(["f"], plain)]);
  });
});

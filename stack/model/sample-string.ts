/** Free text, formats and patterns for `sample-json.ts`. */

const FORMATS: Record<string, string> = {
  "date-time": "2026-01-01T12:00:00Z",
  date: "2026-01-01",
  time: "12:00:00Z",
  duration: "PT1H",
  email: "demo@example.com",
  "idn-email": "demo@example.com",
  hostname: "example.com",
  ipv4: "192.0.2.1",
  ipv6: "2001:db8::1",
  uri: "https://example.com/",
  url: "https://example.com/",
  "uri-reference": "/example",
  uuid: "00000000-0000-4000-8000-000000000000",
  regex: "^.*$",
  "json-pointer": "/example",
};

/** Tried against a `pattern` in turn; the first that fits is taken. */
const PATTERN_CANDIDATES = [
  "a",
  "A",
  "0",
  "1",
  "abc",
  "ABC",
  "a1",
  "A1",
  "abc-1",
  "abc_1",
  "step-1",
  "10:00",
  "1.0.0",
  "#000000",
  "+10000000000",
  "AB",
  "EUR",
  "en",
  "en-US",
  "12345",
];

const FREE_TEXT = "The offline demo model fills this field without understanding it.";

/** A string for `schema`; `name` is the property it is for, `said` what the person wrote. */
export function sampleString(schema: Record<string, unknown>, name: string, said: string): string {
  const pattern = schema["pattern"];
  if (typeof pattern === "string") return matching(pattern, schema);
  const format = schema["format"];
  if (typeof format === "string" && FORMATS[format] !== undefined) return FORMATS[format];
  return fitLength(freeText(name, said), schema);
}

function freeText(name: string, said: string): string {
  if (/^(id|key|slug|code)$/i.test(name)) return "step-1";
  const words = said.trim().split(/\s+/).filter(Boolean);
  if (words.length === 0) return FREE_TEXT;
  return /title|name|label|subject/i.test(name) ? words.slice(0, 6).join(" ") : words.join(" ").slice(0, 400);
}

function matching(pattern: string, schema: Record<string, unknown>): string {
  let fits: (text: string) => boolean;
  try {
    const expression = new RegExp(pattern, "u");
    fits = (text) => expression.test(text);
  } catch {
    return FREE_TEXT;
  }
  const exact = /\{(\d+)\}/.exec(pattern)?.[1];
  const lengths = [Number(exact ?? 0), Number(schema["minLength"] ?? 0)].filter(
    (length) => length > 0 && length <= 1_000,
  );
  const repeated = lengths.flatMap((length) => ["a", "A", "0", "f"].map((letter) => letter.repeat(length)));
  const min = typeof schema["minLength"] === "number" ? schema["minLength"] : 0;
  return (
    [...PATTERN_CANDIDATES, ...repeated, ...Object.values(FORMATS)].find((text) => fits(text) && text.length >= min) ??
    FREE_TEXT
  );
}

function fitLength(text: string, schema: Record<string, unknown>): string {
  const min = typeof schema["minLength"] === "number" ? Math.min(schema["minLength"], 100_000) : 0;
  const max = typeof schema["maxLength"] === "number" ? schema["maxLength"] : Infinity;
  return text.padEnd(min, ".").slice(0, max);
}

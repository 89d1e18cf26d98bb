import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bodyText, noBody, shownBytesMax, withPiece } from "../../stack/body-start.ts";
import { withoutSecretHeaders, withoutSecretQuery, withoutSecrets } from "../../stack/secrets.ts";
import { createTraffic, trafficCountMax } from "../../stack/traffic.ts";

const startOf = (...pieces: (string | Uint8Array)[]) => pieces.reduce<typeof noBody>(withPiece, noBody);

describe("the beginning of a body", () => {
  it("is the same in whatever pieces the body comes", () => {
    const piece = fc.oneof(fc.uint8Array({ maxLength: 1_500 }), fc.string({ unit: "grapheme", maxLength: 1_500 }));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 5 }), (pieces) => {
        const whole = Buffer.concat(pieces.map((part) => Buffer.from(part as string)));
        const body = startOf(...pieces);
        expect(body.bytes).toBe(whole.length);
        expect(body.start.equals(whole.subarray(0, shownBytesMax))).toBe(true);
      }),
    );
  });

  it("shows text as text, cut between two characters, and anything else as base64", () => {
    expect(bodyText(startOf("grü", "ße"))).toBe("grüße");
    expect(bodyText(startOf(`${"x".repeat(shownBytesMax - 1)}ü and more`))).toBe(`${"x".repeat(shownBytesMax - 1)}…`);
    expect(bodyText(startOf(Uint8Array.from([255, 0])))).toBe("base64:/wA=");
    expect(bodyText(startOf(Buffer.from("ü").subarray(0, 1)))).toBe("base64:ww==");
    expect(bodyText(noBody)).toBe("");
  });

  it("does not keep the buffer alive of which a piece is a view", () => {
    const large = Buffer.alloc(1_000_000, "x");
    expect(startOf(large).start.buffer.byteLength).toBeLessThan(100_000);
  });
});

describe("what is shown has no secrets", () => {
  it("in headers, by their names", () => {
    expect(
      withoutSecretHeaders({
        authorization: "Bearer a",
        "upstash-forward-authorization": "Basic b",
        cookie: "session=c",
        "set-cookie": "session=d",
        "upstash-signature": "e",
        "x-api-key": "f",
        "content-type": "text/plain",
        "x-note": "Bearer ghi and eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOjF9.abc",
      }),
    ).toEqual({
      authorization: "[secret]",
      "upstash-forward-authorization": "[secret]",
      cookie: "[secret]",
      "set-cookie": "[secret]",
      "upstash-signature": "[secret]",
      "x-api-key": "[secret]",
      "content-type": "text/plain",
      "x-note": "Bearer [secret] and [secret]",
    });
  });

  it.each([
    ["/get/k?_token=abc", "/get/k?_token=[secret]"],
    [
      "/v2/publish/http://a.test/?a=1&qstash_token=x%20y&b=2",
      "/v2/publish/http://a.test/?a=1&qstash_token=[secret]&b=2",
    ],
    [
      "/v2/publish/https://ada:pw@a.test/x?upstash-forward-cookie=c",
      "/v2/publish/https://[secret]@a.test/x?upstash-forward-cookie=[secret]",
    ],
    ["/get/plain?EX=1", "/get/plain?EX=1"],
  ])("in the query %s", (path, shown) => {
    expect(withoutSecretQuery(path)).toBe(shown);
  });

  it.each([
    ['{"apiKey":"k","n":1,"text":"a \\"quoted\\" word"}', '{"apiKey":"[secret]","n":1,"text":"a \\"quoted\\" word"}'],
    [
      '[{"headers":{"upstash-forward-authorization" : "Bearer x"}}]',
      '[{"headers":{"upstash-forward-authorization" : "[secret]"}}]',
    ],
    ['{"sourceHeader":{"Cookie":["a","b"],"Accept":["c"]}}', '{"sourceHeader":{"Cookie":"[secret]","Accept":["c"]}}'],
    ['{"password":"it is cut of', '{"password":"[secret]"'],
    ['{"max_tokens":100}', '{"max_tokens":100}'],
    ["no JSON, but Bearer abc.def", "no JSON, but Bearer [secret]"],
  ])("in the body %s", (body, shown) => {
    expect(withoutSecrets(body)).toBe(shown);
  });

  it("takes no long time over a text that is made to be slow", () => {
    const text = '"\\'.repeat(shownBytesMax / 2);
    expect(withoutSecrets(text)).toBe(text);
  });
});

describe("the traffic", () => {
  it("keeps the last exchanges, numbers them on, and forgets when it is told to", () => {
    const traffic = createTraffic();
    const begin = (url: string) =>
      traffic.begin({ server: "redis", atMs: 1, method: "GET", url, rawHeaders: ["A", "1", "a", "2"] });
    for (let index = 1; index <= trafficCountMax * 3 + 7; index += 1) begin(`/${index}`);
    const list = traffic.list();
    expect(list).toHaveLength(trafficCountMax);
    expect(list[0]).toMatchObject({ number: trafficCountMax * 3 + 7, url: `/${trafficCountMax * 3 + 7}` });
    expect(list.at(-1)).toMatchObject({ number: trafficCountMax * 2 + 8, requestHeaders: { a: "1, 2" } });
    traffic.clear();
    begin("/again");
    expect(traffic.list()).toMatchObject([{ number: 1, url: "/again", status: 0 }]);
  });
});

/** The guarded fetch and the tool over it, with a web of our own. */
import { describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { dnsOverHttps } from "../../src/system/dns-over-https.ts";
import type { Egress } from "../../src/tool/guarded-fetch.ts";
import { httpFetch } from "../../src/tool/http-fetch.ts";
import { createToolRig } from "../support/tool-rig.ts";

type Web = Record<string, () => Response | Promise<Response>>;

function webRig(web: Web, over: Partial<Egress> = {}) {
  const asked: { url: string; init: RequestInit }[] = [];
  const egress: Egress = {
    async fetch(url, init) {
      asked.push({ url, init });
      const page = web[url];
      if (page === undefined) throw new TypeError("fetch failed");
      return page();
    },
    resolve: undefined,
    allowedHosts: new Set(),
    ...over,
  };
  const { call } = createToolRig([httpFetch], { egress });
  return { asked, get: (url: string, offset?: number) => call("http_fetch", { url, ...(offset && { offset }) }) };
}

const page =
  (text: BodyInit, contentType = "text/html; charset=utf-8", status = 200) =>
  () =>
    new Response(text, { status, headers: { "content-type": contentType } });
const redirect =
  (location: string, status = 302) =>
  () =>
    new Response("moved", { status, headers: { location } });

describe("http_fetch", () => {
  it("answers the text of a page, with what the host said of it", async () => {
    const { get, asked } = webRig({ "https://example.com/": page("<h1>hi</h1>") });
    expect(await get("https://example.com")).toEqual({
      kind: "ok",
      output: {
        url: "https://example.com/",
        status: 200,
        contentType: "text/html; charset=utf-8",
        text: "<h1>hi</h1>",
      },
    });
    expect(asked[0]?.init).toMatchObject({ method: "GET", redirect: "manual" });
    expect(Object.keys(asked[0]?.init.headers ?? {}).toSorted()).toEqual(["accept", "user-agent"]);
  });

  it("answers error pages like others, by their status", async () => {
    const { get } = webRig({ "https://example.com/": page("gone", "text/plain", 404) });
    expect(await get("https://example.com")).toMatchObject({ output: { status: 404, text: "gone" } });
  });

  it.each(["application/json", "application/ld+json; x=y", "TEXT/CSV", "application/rss+xml"])(
    "reads %s",
    async (contentType) => {
      const { get } = webRig({ "https://example.com/": page("{}", contentType) });
      expect(await get("https://example.com")).toMatchObject({ kind: "ok" });
    },
  );

  it.each(["image/png", "application/octet-stream", "application/pdf", "video/mp4", "multipart/x", ""])(
    "refuses %j unread",
    async (contentType) => {
      let isCancelled = false;
      const body = new ReadableStream({ cancel: () => void (isCancelled = true) });
      const { get } = webRig({
        "https://example.com/": () =>
          new Response(body, { headers: contentType === "" ? {} : { "content-type": contentType } }),
      });
      expect(await get("https://example.com")).toMatchObject({
        code: "failed",
        errorText: expect.stringMatching(/not text/) as string,
      });
      expect(isCancelled).toBe(true);
    },
  );

  it("decodes what the host names, and what it misnames as UTF-8", async () => {
    const latin = Uint8Array.from([0x67, 0x72, 0xfc, 0x6e]);
    const { get } = webRig({
      "https://example.com/latin": page(latin, "text/plain; charset=ISO-8859-1"),
      "https://example.com/odd": page("grün", 'text/plain; charset="no-such-charset"'),
    });
    expect(await get("https://example.com/latin")).toMatchObject({ output: { text: "grün" } });
    expect(await get("https://example.com/odd")).toMatchObject({ output: { text: "grün" } });
  });

  it("gives a long text in parts that fit, each character once and whole", async () => {
    const text = '雪"\\\u0001🎉'.repeat(8_000);
    const { get } = webRig({ "https://example.com/": page(text, "text/plain") });
    let read = "";
    for (let offset: number | undefined = 0; offset !== undefined;) {
      const part = await get("https://example.com", offset);
      if (part.kind !== "ok") throw new Error(part.errorText);
      const output = part.output as { text: string; nextOffset?: number };
      expect(output.text).not.toMatch(/[\uD800-\uDBFF]$/);
      read += output.text;
      offset = output.nextOffset;
    }
    expect(read).toBe(text);
  });

  it("reads no further than its limit, and lets go of the rest", async () => {
    let sent = 0;
    let isCancelled = false;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536).fill(120));
      },
      cancel: () => void (isCancelled = true),
    });
    const { get } = webRig({ "https://example.com/": page(body, "text/plain") });
    const last = await get("https://example.com", limits.httpFetchBytesMax - 10);
    expect(last).toMatchObject({ output: { text: "x".repeat(10), isCut: true } });
    expect(isCancelled).toBe(true);
    expect(sent).toBeLessThan(limits.httpFetchBytesMax + 4 * 65_536);
  });

  it("tells in words of a host that does not answer, and may be asked again", async () => {
    const { get } = webRig({});
    expect(await get("https://example.com")).toMatchObject({ kind: "failed", code: "unavailable" });
  });

  it("tells in words of an answer that breaks off", async () => {
    const body = new ReadableStream({
      start: (controller) => controller.error(new TypeError("terminated")),
    });
    const { get } = webRig({ "https://example.com/": page(body, "text/plain") });
    expect(await get("https://example.com")).toMatchObject({ kind: "failed", code: "unavailable" });
  });
});

describe("a redirect", () => {
  it("is followed to its end, relative ones too, without headers of ours but the plain ones", async () => {
    const { get, asked } = webRig({
      "http://example.com/": redirect("https://example.com/a", 301),
      "https://example.com/a": redirect("b?c=1", 307),
      "https://example.com/b?c=1": redirect("//www.example.org/", 308),
      "https://www.example.org/": page("here"),
    });
    expect(await get("http://example.com")).toMatchObject({
      output: { url: "https://www.example.org/", text: "here" },
    });
    expect(asked).toHaveLength(4);
  });

  it.each([
    ["to an address near to us", "http://169.254.169.254/latest/meta-data/"],
    ["to a name near to us", "http://localhost:8080/admin"],
    ["to a file", "file:///etc/passwd"],
    ["to a URL with a password", "https://user:secret@example.com/"],
    ["from https to http", "http://example.com/plain"],
    ["to nowhere", "http://"],
  ])("%s is refused, and not asked for", async (_case, location) => {
    const { get, asked } = webRig({ "https://example.com/": redirect(location) });
    expect(await get("https://example.com")).toMatchObject({ kind: "failed", code: "failed" });
    expect(asked.map(({ url }) => url)).toEqual(["https://example.com/"]);
  });

  it("is followed so often, and once more is refused", async () => {
    const chain = (hops: number): Web => {
      const web: Web = { [`https://example.com/${hops}`]: page("end") };
      for (let hop = 0; hop < hops; hop += 1) web[`https://example.com/${hop}`] = redirect(String(hop + 1));
      return web;
    };
    expect(await webRig(chain(limits.redirectsMax)).get("https://example.com/0")).toMatchObject({ kind: "ok" });
    const tooMany = webRig(chain(limits.redirectsMax + 1));
    expect(await tooMany.get("https://example.com/0")).toMatchObject({
      errorText: expect.stringMatching(/redirects more than/) as string,
    });
  });

  it("in a circle ends", async () => {
    const { get, asked } = webRig({ "https://example.com/": redirect("https://example.com/") });
    expect(await get("https://example.com")).toMatchObject({ kind: "failed" });
    expect(asked).toHaveLength(limits.redirectsMax + 1);
  });

  it("without a place to go to is an answer", async () => {
    const { get } = webRig({ "https://example.com/": page("choose", "text/plain", 300) });
    expect(await get("https://example.com")).toMatchObject({ output: { status: 300 } });
  });
});

describe("with a resolver", () => {
  const names: Record<string, string[]> = {
    "example.com": ["93.184.215.14"],
    "inside.example.com": ["10.0.0.7"],
    "mixed.example.com": ["93.184.215.14", "::1"],
  };
  const resolve = async (name: string): Promise<string[]> => names[name] ?? [];

  it("each hop's name is looked up before it is asked", async () => {
    const web = {
      "https://example.com/": page("here"),
      "https://example.com/in": redirect("https://inside.example.com/"),
      "https://inside.example.com/": page("secret"),
    };
    const { get, asked } = webRig(web, { resolve });
    expect(await get("https://example.com/")).toMatchObject({ kind: "ok" });
    expect(await get("https://example.com/in")).toMatchObject({
      errorText: expect.stringMatching(/not a public address/) as string,
    });
    expect(await get("https://mixed.example.com/")).toMatchObject({ code: "failed" });
    expect(await get("https://gone.example.com/")).toMatchObject({
      errorText: expect.stringMatching(/no host named/) as string,
    });
    expect(asked.map(({ url }) => url)).not.toContain("https://inside.example.com/");
  });

  it("over HTTPS both kinds of addresses are asked for once, and aliases are left out", async () => {
    const queries: string[] = [];
    const lookUp = dnsOverHttps({
      url: "https://dns.example/dns-query",
      fetch: async (url) => {
        queries.push(url);
        const isV6 = url.endsWith("AAAA");
        return Response.json({
          Status: 0,
          Answer: [
            { type: 5, data: "alias.example." },
            isV6 ? { type: 28, data: "2606:4700::1111" } : { type: 1, data: "93.184.215.14" },
          ],
        });
      },
    });
    expect(await lookUp("example.com", AbortSignal.timeout(1_000))).toEqual(["93.184.215.14", "2606:4700::1111"]);
    expect(queries).toEqual([
      "https://dns.example/dns-query?name=example.com&type=A",
      "https://dns.example/dns-query?name=example.com&type=AAAA",
    ]);
    expect(await lookUp("example.com", AbortSignal.timeout(1_000))).toHaveLength(2);
    expect(queries).toHaveLength(2);
  });

  it.each([
    ["that does not answer", () => Promise.reject(new TypeError("fetch failed"))],
    ["that answers an error", async () => new Response("no", { status: 502 })],
    ["that answers garbage", async () => new Response("<html>")],
    ["that fails", async () => Response.json({ Status: 2 })],
  ])("one %s lets nothing through", async (_case, answer) => {
    const lookUp = dnsOverHttps({ url: "https://dns.example/dns-query", fetch: answer });
    const { get, asked } = webRig({ "https://example.com/": page("here") }, { resolve: lookUp });
    expect(await get("https://example.com")).toMatchObject({ kind: "failed", code: "unavailable" });
    expect(asked).toEqual([]);
  });

  it("a name that is not there has no addresses", async () => {
    const lookUp = dnsOverHttps({ url: "https://dns.example/q", fetch: async () => Response.json({ Status: 3 }) });
    expect(await lookUp("gone.example", AbortSignal.timeout(1_000))).toEqual([]);
  });
});

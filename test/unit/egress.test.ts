/** Where tools may reach out to: G1 to G4 of src/tool/egress.ts. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { admitAddresses, admitUrl, EgressRefused, isPublicAddress } from "../../src/tool/egress.ts";

const nowhereElse = new Set<string>();
const admit = (url: string) => admitUrl(url, nowhereElse).href;

function expectRefused(url: string): void {
  expect(() => admit(url), url).toThrow(EgressRefused);
}

describe("a URL", () => {
  it.each([
    "https://example.com",
    "http://example.com:8080/a?b#c",
    "https://example.com:443/",
    "https://www.iana.org./domains",
    "https://93.184.215.14/",
    "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/",
    "https://münchen.de",
    "https://localhost.example.com",
    "https://internal.example.com",
  ])("of the public web is admitted: %s", (url) => {
    expect(admit(url)).toBe(new URL(url).href);
  });

  it.each([
    ["no URL", "not a url"],
    ["nothing", ""],
    ["a path alone", "/etc/passwd"],
    ["a file", "file:///etc/passwd"],
    ["another protocol", "ftp://example.com"],
    ["a script", "javascript:alert(1)"],
    ["data", "data:text/plain,hi"],
    ["gopher", "gopher://example.com:70/"],
    ["a user", "https://user@example.com"],
    ["a password", "https://user:secret@example.com"],
    ["a port of mail", "http://example.com:25/"],
    ["a port of shells", "http://example.com:22/"],
    ["too many characters", `https://example.com/${"x".repeat(limits.urlCharsMax)}`],
  ])("with %s is refused", (_case, url) => expectRefused(url));

  it("of exactly the longest length is admitted", () => {
    const url = `https://example.com/${"x".repeat(limits.urlCharsMax - 20)}`;
    expect(url).toHaveLength(limits.urlCharsMax);
    expect(admit(url)).toBe(url);
  });
});

describe("a host near to us", () => {
  it.each([
    "http://127.0.0.1",
    "http://127.1",
    "http://2130706433",
    "http://017700000001",
    "http://0x7f000001",
    "http://0x7f.0.0.1",
    "http://0177.0.0.1",
    "http://127.0.0.1.",
    "http://%31%32%37.0.0.1",
    "http://１２７.0.0.1",
    "http://127。0。0。1",
    "http://0",
    "http://0.0.0.0",
    "http://10.0.0.1",
    "http://100.64.0.1",
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://172.16.0.1",
    "http://192.0.0.1",
    "http://192.168.1.1",
    "http://198.18.0.1",
    "http://224.0.0.1",
    "http://255.255.255.255",
    "http://[::1]",
    "http://[::]",
    "http://[::ffff:127.0.0.1]",
    "http://[::ffff:7f00:1]",
    "http://[0:0:0:0:0:ffff:a9fe:a9fe]",
    "http://[::127.0.0.1]",
    "http://[64:ff9b::7f00:1]",
    "http://[2002:7f00:1::]",
    "http://[2001:0:7f00:1::]",
    "http://[fe80::1]",
    "http://[fc00::1]",
    "http://[fd00:ec2::254]",
    "http://[ff02::1]",
    "http://[2001:db8::1]",
    "http://[5f00::1]",
  ])("is refused by its address: %s", expectRefused);

  it.each([
    "http://localhost",
    "http://LOCALHOST:8080",
    "http://localhost.",
    "http://app.localhost",
    "http://metadata",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://instance-data",
    "http://printer.local",
    "http://router.lan",
    "http://nas.home.arpa",
    "http://wiki.corp",
    "http://127.0.0.1.nip.io",
    "http://10-0-0-1.sslip.io",
    "http://localtest.me",
    "http://a.localtest.me.",
    "http://hidden.onion",
  ])("is refused by its name: %s", expectRefused);

  it("is refused in every form of every private address", () => {
    const byte = fc.integer({ min: 0, max: 255 });
    const privateAddress = fc.oneof(
      fc.tuple(fc.constantFrom(0, 10, 127), byte, byte, byte),
      fc.tuple(fc.constant(169), fc.constant(254), byte, byte),
      fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), byte, byte),
      fc.tuple(fc.constant(192), fc.constant(168), byte, byte),
    );
    const form = fc.constantFrom(...Object.values(forms));
    fc.assert(
      fc.property(privateAddress, form, (address, write) => {
        expectRefused(`http://${write(address)}/`);
      }),
      { numRuns: 500 },
    );
  });
});

type Bytes = [number, number, number, number];
const whole = ([a, b, c, d]: Bytes): number => ((a * 256 + b) * 256 + c) * 256 + d;
const forms: Record<string, (address: Bytes) => string> = {
  dotted: (address) => address.join("."),
  decimal: (address) => String(whole(address)),
  hex: (address) => `0x${whole(address).toString(16)}`,
  octal: (address) => `0${whole(address).toString(8)}`,
  dottedHex: (address) => address.map((byte) => `0x${byte.toString(16)}`).join("."),
  dottedOctal: (address) => address.map((byte) => `0${byte.toString(8)}`).join("."),
  shortened: ([a, b, c, d]) => `${a}.${b}.${c * 256 + d}`,
  mapped: (address) => `[::ffff:${address.join(".")}]`,
  compatible: (address) => `[::${address.join(".")}]`,
  translated: (address) => `[64:ff9b::${address.join(".")}]`,
};

describe("a host that the operator allows", () => {
  it("is admitted though it is near, by its very name and port", () => {
    const allowed = new Set(["127.0.0.1:3000", "intranet"]);
    expect(admitUrl("http://127.0.0.1:3000/a", allowed).href).toBe("http://127.0.0.1:3000/a");
    expect(admitUrl("http://intranet:25/", allowed).host).toBe("intranet:25");
    expect(() => admitUrl("http://127.0.0.1:3001/", allowed)).toThrow(EgressRefused);
    expect(() => admitUrl("http://127.0.0.1/", allowed)).toThrow(EgressRefused);
    expect(() => admitUrl("ftp://intranet/", allowed)).toThrow(EgressRefused);
    expect(() => admitUrl("http://user@intranet/", allowed)).toThrow(EgressRefused);
  });
});

describe("what a name resolves to", () => {
  it("must all be public, and something", () => {
    expect(() => admitAddresses("example.com", ["93.184.215.14", "2606:2800:21f::1"])).not.toThrow();
    expect(() => admitAddresses("example.com", ["93.184.215.14", "10.0.0.1"])).toThrow(/not a public address/);
    expect(() => admitAddresses("example.com", ["fd00::1"])).toThrow(/not a public address/);
    expect(() => admitAddresses("example.com", ["nonsense"])).toThrow(/not a public address/);
    expect(() => admitAddresses("gone.example", [])).toThrow(/no host named/);
  });

  it.each([
    ["8.8.8.8", true],
    ["2606:4700::1111", true],
    ["", false],
    ["8.8.8.8.8", false],
    ["::ffff:8.8.8.8", false],
    ["192.0.2.1", false],
    ["3fff::1", false],
  ])("%j is public: %s", (address, isPublic) => {
    expect(isPublicAddress(address)).toBe(isPublic);
  });
});

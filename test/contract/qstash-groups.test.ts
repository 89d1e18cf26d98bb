import { describe, expect, it } from "vitest";
import { at, startQstash } from "./qstash-rig.ts";

async function startGroup() {
  const rig = await startQstash();
  const one = rig.destination.url;
  const two = one.replace("/hook", "/two");
  await rig.client.urlGroups.addEndpoints({ name: "g", endpoints: [{ name: "first", url: one }, { url: two }] });
  return { ...rig, one, two };
}

describe("a URL group", () => {
  it("is listed and read with its endpoints", async () => {
    const { client, one, two } = await startGroup();
    const group = { name: "g", endpoints: [{ name: "first", url: one }, { url: two }] };
    expect(await client.urlGroups.get("g")).toMatchObject(group);
    expect(await client.urlGroups.list()).toMatchObject([group]);
  });

  it("takes one message per endpoint, which names the group", async () => {
    const { client, one, two, destination, idle } = await startGroup();
    const answers = await client.publish({ urlGroup: "g", body: "to all" });
    await idle();
    expect(answers).toMatchObject([
      { url: one, messageId: expect.any(String) },
      { url: two, messageId: expect.any(String) },
    ]);
    expect(destination.deliveries.map(({ path, body }) => `${path} ${body}`).toSorted()).toEqual([
      "/hook to all",
      "/two to all",
    ]);
    expect(at(destination.deliveries, 0).headers).toMatchObject({ "upstash-topic-name": "g" });
    const { logs } = await client.logs({ filter: { urlGroup: "g", state: "DELIVERED" } });
    expect(new Set(logs.map(({ endpointName }) => endpointName))).toEqual(new Set(["first", undefined]));
  });

  it("answers with a nested list in a batch and can wait in a queue", async () => {
    const { client, destination, idle } = await startGroup();
    const [nested] = await client.batch([{ urlGroup: "g" }]);
    expect(nested).toHaveLength(2);
    await client.queue({ queueName: "q" }).enqueue({ urlGroup: "g" });
    await idle();
    expect(destination.deliveries).toHaveLength(4);
  });

  it("takes a deduplication id once per endpoint", async () => {
    const { client, call, destination, idle } = await startGroup();
    await client.publish({ urlGroup: "g", deduplicationId: "d" });
    const again = await call("POST", "/v2/publish/g", { headers: { "Upstash-Deduplication-Id": "d" } });
    await idle();
    expect(again.status).toBe(202);
    expect(destination.deliveries).toHaveLength(2);
  });

  it("replaces an endpoint of the same name or URL", async () => {
    const { client, one, two } = await startGroup();
    const three = one.replace("/hook", "/three");
    await client.urlGroups.addEndpoints({
      name: "g",
      endpoints: [
        { name: "first", url: three },
        { name: "second", url: two },
      ],
    });
    expect((await client.urlGroups.get("g")).endpoints).toEqual([
      { name: "first", url: three },
      { name: "second", url: two },
    ]);
  });

  it("is gone after its last endpoint", async () => {
    const { client, two } = await startGroup();
    await client.urlGroups.removeEndpoints({ name: "g", endpoints: [{ name: "first" }] });
    expect((await client.urlGroups.get("g")).endpoints).toEqual([{ url: two }]);
    await client.urlGroups.removeEndpoints({ name: "g", endpoints: [{ url: two }] });
    await expect(client.urlGroups.get("g")).rejects.toMatchObject({ status: 404 });
    await expect(client.publish({ urlGroup: "g" })).rejects.toMatchObject({ status: 404 });
  });

  it("is deleted as a whole, once", async () => {
    const { client } = await startGroup();
    await client.urlGroups.delete("g");
    await expect(client.urlGroups.delete("g")).rejects.toMatchObject({ status: 404 });
  });

  it.each([
    ["g/endpoints", "{"],
    ["g/endpoints", "{}"],
    ["g/endpoints", '{"endpoints":[null]}'],
    ["g/endpoints", '{"endpoints":[{"name":"no url"}]}'],
    ["g/endpoints", '{"endpoints":[{"url":"ftp://x"}]}'],
    ["a%20b/endpoints", '{"endpoints":[{"url":"http://127.0.0.1:1/"}]}'],
  ])("is refused at %s as %s", async (path, body) => {
    const { call } = await startQstash();
    expect((await call("POST", `/v2/topics/${path}`, { body })).status).toBe(400);
  });
});

/** `/v2/topics`: the URL groups. Publishing to one is publish.ts. */
import { ApiError } from "./api-error.ts";
import { isGroupName, readDestination } from "./destination.ts";
import type { Endpoint, Group, GroupStore } from "./group-store.ts";
import type { RefuseOwn } from "./own-destination.ts";
import { idIn, readJsonObject, type Resource } from "./route.ts";

export function createGroupsResource(groups: GroupStore, refuseOwn: RefuseOwn): Resource {
  return ({ method, path, body }) => {
    if (path === "topics" && method === "GET") return { status: 200, value: groups.list().map(viewGroup) };
    const [, changed] = /^topics\/([^/]+)\/endpoints$/.exec(path) ?? [];
    if (changed !== undefined && method === "POST") {
      if (!isGroupName(changed)) throw new ApiError(400, `invalid url group name ${changed}`);
      const endpoints = readEndpoints(body).map(complete);
      refuseOwn(...endpoints.map(({ url }) => url));
      groups.add(changed, endpoints);
      return { status: 200 };
    }
    if (changed !== undefined && method === "DELETE") {
      groups.removeEndpoints(changed, readEndpoints(body));
      return { status: 200 };
    }
    const name = idIn(path, "topics");
    if (name !== undefined && method === "GET") return { status: 200, value: viewGroup(groups.find(name)) };
    if (name === undefined || method !== "DELETE") return undefined;
    groups.remove(groups.find(name).name);
    return { status: 200 };
  };
}

function viewGroup(group: Group): object {
  return {
    name: group.name,
    createdAt: group.createdAtMs,
    updatedAt: group.updatedAtMs,
    endpoints: group.endpoints,
  };
}

function readEndpoints(body: Buffer): Partial<Endpoint>[] {
  const { endpoints } = readJsonObject(body);
  if (!Array.isArray(endpoints) || endpoints.length === 0) throw new ApiError(400, "endpoints are missing");
  return endpoints.map((endpoint: unknown) => {
    const { url, name } = (endpoint ?? {}) as Record<string, unknown>;
    if (url !== undefined && typeof url !== "string") throw new ApiError(400, "the url of an endpoint is a string");
    if (name !== undefined && typeof name !== "string") throw new ApiError(400, "the name of an endpoint is a string");
    if (!url && !name) throw new ApiError(400, "an endpoint needs a url or a name");
    return { ...(url && { url }), ...(name && { name }) };
  });
}

function complete({ url, name }: Partial<Endpoint>): Endpoint {
  if (url === undefined) throw new ApiError(400, "the url of an endpoint is missing");
  return { url: readDestination(url), ...(name !== undefined && { name }) };
}

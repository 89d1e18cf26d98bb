import type { Collection } from "../storage/collection.ts";
import { ApiError } from "./api-error.ts";
import { groupCountMax, groupEndpointCountMax } from "./limits.ts";

/** Several destinations under one name ("topic" in the API). Times are unix ms. */
export interface Group {
  name: string;
  createdAtMs: number;
  updatedAtMs: number;
  endpoints: readonly Endpoint[];
}

export interface Endpoint {
  url: string;
  name?: string;
}

export interface GroupStore {
  /** Adds endpoints, each in place of those with its URL or its name; makes the group. @throws ApiError 400 or 412 */
  add(name: string, endpoints: readonly Endpoint[]): void;
  /** Removes endpoints by URL or name; a group without endpoints is gone. @throws ApiError 404 for an unknown group. */
  removeEndpoints(name: string, endpoints: readonly Partial<Endpoint>[]): void;
  /** False when there was none. */
  remove(name: string): boolean;
  /** @throws ApiError 404 */
  find(name: string): Group;
  list(): Group[];
}

export function createGroupStore(groups: Collection<Group>, now: () => number): GroupStore {
  function find(name: string): Group {
    const group = groups.get(name);
    if (group === undefined) throw new ApiError(404, `url group ${name} not found`);
    return group;
  }

  return {
    add(name, added) {
      const known = groups.get(name);
      const group = known ?? { name, createdAtMs: now(), updatedAtMs: now(), endpoints: [] };
      // One by one: two of the same request may replace each other too.
      const endpoints = added.reduce<readonly Endpoint[]>(
        (kept, endpoint) => [...kept.filter((other) => !isSame(other, endpoint)), endpoint],
        group.endpoints,
      );
      if (known === undefined && groups.size() >= groupCountMax) throw quotaExceeded("maxTopics", groupCountMax);
      if (endpoints.length > groupEndpointCountMax) throw quotaExceeded("maxEndpoints", groupEndpointCountMax);
      groups.put(name, { ...group, endpoints, updatedAtMs: now() });
    },
    removeEndpoints(name, removed) {
      const group = find(name);
      const endpoints = group.endpoints.filter((endpoint) => !removed.some((other) => isSame(endpoint, other)));
      if (endpoints.length === 0) groups.remove(name);
      else groups.put(name, { ...group, endpoints, updatedAtMs: now() });
    },
    remove: groups.remove,
    find,
    list: groups.values,
  };
}

function isSame(endpoint: Endpoint, other: Partial<Endpoint>): boolean {
  return endpoint.url === other.url || (endpoint.name !== undefined && endpoint.name === other.name);
}

function quotaExceeded(quota: string, limit: number): ApiError {
  return new ApiError(412, `quota ${quota} exceeded. Limit: ${limit}`);
}

import type { Resource } from "./route.ts";
import type { SigningKeys } from "./signing-keys.ts";

/** `GET /v2/keys` and `POST /v2/keys/rotate`. The SDK's development mode asks for the keys before every request. */
export function createKeysResource(keys: SigningKeys): Resource {
  return ({ method, path }) => {
    if (path === "keys" && method === "GET") return { status: 200, value: keys.read() };
    if (path === "keys/rotate" && method === "POST") return { status: 200, value: keys.rotate() };
    return undefined;
  };
}

/**
 * What the routes take and answer, as data: one file of this folder for each file of routes.
 *
 * Three readers: `scripts/build-openapi.ts` writes `openapi.json` from it, `app-type.ts` makes the types of the `hc` client, and the tests hold the app to it (every
 * route stands here, and real answers fit). No file that the Worker runs imports this folder, so the Worker carries none of it.
 */
import type * as z from "zod/mini";
import type { ErrorCode } from "../../core/errors.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** Method and path, with parameters as Hono writes them: `GET /api/runs/:runId`. */
export type RouteKey = `${Method} /${string}`;

/** `anyone`: no identity. `session`: a caller. `queue`: a delivery that QStash has signed, or the internal key. */
export type Access = "anyone" | "session" | "queue";

export interface Answer {
  readonly words: string;
  /** The body. */
  readonly json?: z.core.$ZodType;
  /** The body is a stream of server-sent events. */
  readonly isStream?: true;
  /** The body is, or may be, plain text. */
  readonly isText?: true;
}

export interface RouteDescription {
  readonly summary: string;
  readonly detail?: string;
  readonly access: Access;
  readonly query?: z.core.$ZodObject;
  readonly headers?: z.core.$ZodObject;
  readonly body?: z.core.$ZodType;
  /** The body may be left out, with its content type. */
  readonly isBodyOptional?: true;
  /** By status. Refusals and failures are not here but in `problems`. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** Codes beside those that `commonProblems` knows of. */
  readonly problems?: readonly ErrorCode[];
}

export interface Room<Routes extends Readonly<Record<RouteKey, RouteDescription>>> {
  readonly name: string;
  readonly words: string;
  readonly routes: Routes;
}

/** The routes of one room, with their types kept. */
export function room<const Routes extends Readonly<Record<RouteKey, RouteDescription>>>(
  name: string,
  words: string,
  routes: Routes,
): Room<Routes> {
  return { name, words, routes };
}

export function json<Schema extends z.core.$ZodType>(words: string, schema: Schema): { words: string; json: Schema } {
  return { words, json: schema };
}

export function events(words: string): { words: string; isStream: true } {
  return { words, isStream: true };
}

export function text(words: string): { words: string; isText: true } {
  return { words, isText: true };
}

export function empty(words: string): { words: string } {
  return { words };
}

/** Whatever a route says of itself, it may also answer these. */
export function commonProblems(method: Method, { access, body }: RouteDescription): readonly ErrorCode[] {
  return [
    "internal",
    "sealed_unreadable",
    ...(method === "GET" ? [] : (["forbidden_origin"] as const)),
    ...(body === undefined
      ? []
      : (["bad_request", "malformed_json", "unsupported_media_type", "body_too_large"] as const)),
    ...(access === "anyone" ? [] : accessProblems[access]),
  ];
}

const accessProblems: Readonly<Record<Exclude<Access, "anyone">, readonly ErrorCode[]>> = {
  session: [
    "misconfigured",
    "unauthenticated",
    "insufficient_scope",
    "rate_limited",
    "identity_provider_unavailable",
    "redis_unavailable",
  ],
  queue: ["misconfigured", "invalid_signature", "body_too_large", "redis_unavailable", "queue_unavailable"],
};

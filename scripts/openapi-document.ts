/** The description of the API (`src/http/api/`) as an OpenAPI 3.1 document. */
import { readFileSync } from "node:fs";
import * as z from "zod/mini";
import { createDocument } from "zod-openapi";
import type {
  ZodOpenApiOperationObject,
  ZodOpenApiPathsObject,
  ZodOpenApiResponseObject,
  ZodOpenApiResponsesObject,
} from "zod-openapi";
import { errorCatalogue, type ErrorCode } from "../src/core/errors.ts";
import {
  commonProblems,
  type Access,
  type Answer,
  type Method,
  type RouteDescription,
} from "../src/http/api/describe.ts";
import { rooms } from "../src/http/api/rooms.ts";
import { pathParameters, Problem } from "../src/http/api/schemas.ts";

export interface DescribedRoute {
  readonly method: Method;
  /** As Hono writes it. */
  readonly path: string;
  readonly tag: string;
  readonly description: RouteDescription;
}

export const describedRoutes: readonly DescribedRoute[] = rooms.flatMap(({ name, routes }) =>
  Object.entries<RouteDescription>(routes).map(([key, description]) => {
    const [method = "", path = ""] = key.split(" ");
    return { method: method as Method, path, tag: name, description };
  }),
);

/** With the parameters as OpenAPI writes them: `/api/runs/{runId}`. */
export function openApiPath(path: string): string {
  return path.replaceAll(/:(\w+)/g, "{$1}");
}

export function openApiDocument(): ReturnType<typeof createDocument> {
  const { version, description, license } = JSON.parse(
    readFileSync(new URL("../package.json", import.meta.url), "utf8"),
  ) as { version: string; description: string; license: string };
  const paths: ZodOpenApiPathsObject = {};
  for (const route of describedRoutes) {
    const path = (paths[openApiPath(route.path)] ??= {});
    path[route.method.toLowerCase() as "get"] = operationOf(route);
  }
  return createDocument({
    openapi: "3.1.1",
    info: { title: "Skipstone", version, description, license: { name: license, identifier: license } },
    servers: [{ url: "/" }],
    tags: rooms.map(({ name, words }) => ({ name, description: words })),
    paths,
    components: {
      securitySchemes: {
        session: {
          type: "apiKey",
          in: "cookie",
          name: "__Host-session",
          description: "On http it is called `session`.",
        },
        bearer: { type: "http", scheme: "bearer", description: "A token of your identity provider." },
        signature: {
          type: "apiKey",
          in: "header",
          name: "Upstash-Signature",
          description: "A JWT over URL and body, signed by QStash with one of its two keys.",
        },
        internalKey: { type: "apiKey", in: "header", name: "X-Internal-Key", description: "For operators." },
      },
    },
  });
}

const security: Readonly<Record<Access, NonNullable<ZodOpenApiOperationObject["security"]>>> = {
  anyone: [],
  session: [{ session: [] }, { bearer: [] }],
  queue: [{ signature: [] }, { internalKey: [] }],
};

function operationOf({ method, path, tag, description }: DescribedRoute): ZodOpenApiOperationObject {
  const { summary, detail, access, query, headers, body, isBodyOptional } = description;
  const names = [...path.matchAll(/:(\w+)/g)].map((match) => match[1] ?? "");
  const parameters = z.object(Object.fromEntries(names.map((name) => [name, pathParameters[name] ?? z.string()])));
  return {
    operationId: operationId(method, path),
    tags: [tag],
    summary,
    ...(detail === undefined ? {} : { description: detail }),
    security: security[access],
    requestParams: {
      ...(names.length === 0 ? {} : { path: parameters }),
      ...(query === undefined ? {} : { query }),
      ...(headers === undefined ? {} : { header: headers }),
    },
    ...(body === undefined
      ? {}
      : { requestBody: { required: isBodyOptional !== true, content: { "application/json": { schema: body } } } }),
    responses: responsesOf(method, description),
  };
}

/** `POST /api/runs/:runId/cancel` is `postRunsRunIdCancel`. */
function operationId(method: Method, path: string): string {
  const words = path.replace(/^\/api/, "").match(/\w+/g) ?? [];
  return method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}

function responsesOf(method: Method, description: RouteDescription): ZodOpenApiResponsesObject {
  const responses: ZodOpenApiResponsesObject = {};
  for (const [status, answer] of Object.entries(description.answers)) {
    responses[status as "200"] = { description: answer.words, headers: requestIdHeader, ...contentOf(answer) };
  }
  for (const [status, codes] of problemsByStatus(method, description)) {
    const words = codes.map((code) => `\`${code}\`: ${errorCatalogue[code].publicText}`).join("\n\n");
    const described = responses[`${status}` as "400"] as { description?: string; content?: object } | undefined;
    responses[`${status}` as "400"] = {
      description: described === undefined ? words : `${described.description}\n\n${words}`,
      headers: { ...requestIdHeader, ...(status === 429 || status === 503 ? retryAfterHeader : {}) },
      content: { ...described?.content, "application/problem+json": { schema: Problem } },
    };
  }
  return responses;
}

/** The codes that the route may answer with, by status, in the order of statuses. */
export function problemsByStatus(method: Method, description: RouteDescription): [number, readonly ErrorCode[]][] {
  const codes = new Set([...commonProblems(method, description), ...(description.problems ?? [])]);
  const byStatus = Map.groupBy(codes, (code) => errorCatalogue[code].status);
  return [...byStatus].toSorted(([a], [b]) => a - b);
}

function contentOf({ json, isStream, isText }: Answer): Pick<ZodOpenApiResponseObject, "content"> {
  if (json !== undefined) return { content: { "application/json": { schema: json } } };
  if (isText === true) return { content: { "text/plain": { schema: z.string() } } };
  return isStream === true ? { content: { "text/event-stream": { schema: z.string() } } } : {};
}

const requestIdHeader = {
  "X-Request-Id": { description: "Names the request in our log.", schema: { type: "string" } },
} as const;
const retryAfterHeader = {
  "Retry-After": { description: "Seconds.", schema: { type: "integer", minimum: 1 } },
} as const;

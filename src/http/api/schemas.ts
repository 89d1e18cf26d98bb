/** Shapes that more than one route answers with. */
import * as z from "zod/mini";
import { clientIdPattern } from "../../core/ids.ts";
import { errorCatalogue, type ErrorCode } from "../../core/errors.ts";

/** By the name that it has in paths. */
export const pathParameters: Readonly<Record<string, z.core.$ZodType>> = {
  runId: z.string().check(z.regex(/^run_[0-9a-f]{32}$/)),
  agentId: z.string().check(z.regex(/^agt_[0-9a-f]{32}$/)),
  executionId: z.string(),
  scheduleId: z.string(),
  sessionId: z.string(),
  keyId: z.string(),
  letterId: z.string(),
  conversationId: z.string().check(z.regex(clientIdPattern)),
};

/** What a list that has more hands out; give it back to go on. */
export const nextPlace = z.exactOptional(z.string());

export const unixMs = z.int();

export const Failure = named(
  "Failure",
  z.strictObject({ name: z.string(), message: z.string(), code: z.exactOptional(z.string()) }),
);

export const Problem = named(
  "Problem",
  z.strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    /** Stable; clients branch on it. */
    code: z.enum(Object.keys(errorCatalogue) as [ErrorCode, ...ErrorCode[]]),
    requestId: z.string(),
    errors: z.exactOptional(z.array(z.strictObject({ pointer: z.string(), detail: z.string() }))),
  }),
);

/** Gives the schema a place of its own in the description, where other schemas point to it. */
export function named<Schema extends z.core.$ZodType>(id: string, schema: Schema): Schema {
  z.globalRegistry.add(schema, { id });
  return schema;
}

/** The app's routes as types, for Hono's `hc` client: `hc<AppType>(url)`. They are worked out from the description, which the tests hold the app to. */
import type { Hono } from "hono";
import type { BlankEnv } from "hono/types";
import type { ClientErrorStatusCode, ServerErrorStatusCode, StatusCode } from "hono/utils/http-status";
import type * as z from "zod/mini";
import type { Method, RouteDescription } from "./describe.ts";
import type { rooms } from "./rooms.ts";
import type { Problem } from "./schemas.ts";

export type AppType = Hono<BlankEnv, SchemaOf<AllRoutes>>;

type AllRoutes = Intersected<(typeof rooms)[number]["routes"]>;

type Intersected<Union> = (Union extends unknown ? (of: Union) => void : never) extends (of: infer All) => void
  ? All
  : never;

type SchemaOf<Routes> = {
  [Path in PathOf<keyof Routes>]: {
    [
      Key in keyof Routes as Key extends `${infer Name extends Method} ${Path}` ? `$${Lowercase<Name>}` : never
    ]: EndpointOf<Path, Routes[Key]>;
  };
};

type PathOf<Key> = Key extends `${Method} ${infer Path}` ? Path : never;

type EndpointOf<Path extends string, Route> = Route extends RouteDescription
  ? | AnswersOf<InputOf<Path, Route>, Route["answers"]>
    | {
        input: InputOf<Path, Route>;
        output: z.output<typeof Problem>;
        outputFormat: "json";
        status: ClientErrorStatusCode | ServerErrorStatusCode;
      }
  : never;

type AnswersOf<Input, Answers> = {
  [Status in keyof Answers & StatusCode]: { input: Input; status: Status } & (Answers[Status] extends {
    json: infer Schema extends z.core.$ZodType;
  }
    ? { output: z.output<Schema>; outputFormat: "json" }
    : { output: string; outputFormat: "text" });
}[keyof Answers & StatusCode];

type InputOf<Path extends string, Route extends RouteDescription> = ParametersOf<Path> &
  (Route extends { query: infer Schema extends z.core.$ZodType } ? MaybeOf<"query", z.input<Schema>> : unknown) &
  (Route extends { headers: infer Schema extends z.core.$ZodType } ? MaybeOf<"header", z.input<Schema>> : unknown) &
  (Route extends { body: infer Schema extends z.core.$ZodType }
    ? Route extends { isBodyOptional: true }
      ? { json?: z.input<Schema> }
      : { json: z.input<Schema> }
    : unknown);

/** Left out where nothing in it must be said. */
type MaybeOf<Name extends string, Value> =
  Partial<Value> extends Value ? { [Key in Name]?: Value } : { [Key in Name]: Value };

type ParametersOf<Path extends string> = [ParameterNames<Path>] extends [never]
  ? object
  : { param: { [Name in ParameterNames<Path>]: string } };

type ParameterNames<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParameterNames<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never;

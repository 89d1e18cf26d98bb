/** Holds answers of the app to what `openapi.json` says of their routes. */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { describedRoutes, openApiDocument, openApiPath, problemsByStatus } from "../../scripts/openapi-document.ts";

type Route = (typeof describedRoutes)[number];

const documentId = "https://skipstone.test/openapi.json";
const validators = new Map<string, ValidateFunction>();
let ajv: Ajv2020 | undefined;

/** What is wrong with an answer, in a sentence; `undefined` when it fits. Of routes that are not described another test speaks. */
export async function misfit(method: string, pathname: string, response: Response): Promise<string | undefined> {
  if (!response.headers.has("X-Request-Id")) return `${method} ${pathname} answered without X-Request-Id.`;
  const route = routeOf(method, pathname);
  if (route === undefined) return undefined;
  const mediaType = response.headers.get("Content-Type")?.split(";")[0] ?? "";
  const where = `${method} ${route.path} answered ${response.status} ${mediaType}`;
  const advice = `Describe it in src/http/api/ (${route.tag}).`;
  if (mediaType === "application/problem+json") {
    const { code } = (await response.clone().json()) as { code: string };
    const codes: readonly string[] = problemsByStatus(route.method, route.description).flatMap(([, of]) => of);
    // Every route may say so, for nobody is without defects; a test has found one then.
    if (code === "internal") return `${where} with the code internal, which is a defect.`;
    if (!codes.includes(code)) return `${where} with the code ${code}, which is not described. ${advice}`;
  } else if (!(response.status in route.description.answers)) {
    return `${where}, which is not described. ${advice}`;
  }
  if (response.body === null) return undefined;
  const schema = ["responses", String(response.status), "content", mediaType, "schema"];
  if (!mediaType.endsWith("json"))
    return hasSchema(route, schema) ? undefined : `${where}, which is not described. ${advice}`;
  const problem = problemWith(route, schema, await response.clone().json());
  return problem === undefined ? undefined : `${where}, but ${problem}. ${advice}`;
}

/** What is wrong with the body of a request that was accepted. */
export function misfitOfRequest(method: string, pathname: string, body: string): string | undefined {
  const route = routeOf(method, pathname);
  // A route without a body reads none, whatever is sent.
  if (route?.description.body === undefined || body === "") return undefined;
  const problem = problemWith(route, ["requestBody", "content", "application/json", "schema"], JSON.parse(body));
  return problem === undefined ? undefined : `${method} ${route.path} accepted a body, but ${problem}.`;
}

/** Paths without parameters go before those that would take them, too. */
const byFewestParameters = describedRoutes.toSorted((a, b) => parameters(a).length - parameters(b).length);

function parameters({ path }: Route): readonly string[] {
  return path.match(/:\w+/g) ?? [];
}

function routeOf(method: string, pathname: string): Route | undefined {
  return byFewestParameters.find(
    (route) => route.method === method && new RegExp(`^${route.path.replaceAll(/:\w+/g, "[^/]+")}/?$`).test(pathname),
  );
}

function pointerTo({ method, path }: Route, parts: readonly string[]): string {
  return ["", "paths", openApiPath(path), method.toLowerCase(), ...parts]
    .map((part) => part.replaceAll("~", "~0").replaceAll("/", "~1"))
    .join("/");
}

function hasSchema(route: Route, parts: readonly string[]): boolean {
  return validatorOf(route, parts) !== undefined;
}

function problemWith(route: Route, parts: readonly string[], value: unknown): string | undefined {
  const validate = validatorOf(route, parts);
  if (validate === undefined) return "a body of this kind is not described";
  if (validate(value)) return undefined;
  // Of a choice between shapes the deepest error is that of the shape that was meant.
  const error = (validate.errors ?? []).toSorted((a, b) => b.instancePath.length - a.instancePath.length)[0];
  return `${error?.instancePath || "the body"} ${error?.message} ${JSON.stringify(error?.params)}`;
}

function validatorOf(route: Route, parts: readonly string[]): ValidateFunction | undefined {
  const pointer = pointerTo(route, parts);
  const known = validators.get(pointer);
  if (known !== undefined) return known;
  ajv ??= new Ajv2020({ strict: false, validateFormats: false }).addSchema(openApiDocument(), documentId);
  const validate = ajv.getSchema(`${documentId}#${pointer.split("/").map(encodeURIComponent).join("/")}`);
  if (validate !== undefined) validators.set(pointer, validate);
  return validate;
}

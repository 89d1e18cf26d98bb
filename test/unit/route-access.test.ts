/** The app's own route table and the lists that are kept of it: a route that stands in none of them is asked by no test that walks them. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createApp } from "../../src/app.ts";
import { routeAccess } from "../contract/route-access.ts";
import { routesOf } from "../support/route-table.ts";

const app = createApp(() => {
  throw new Error("no request is made");
});
const costs = JSON.parse(readFileSync("bench/costs.json", "utf8")) as Record<string, unknown>;

describe("the route table", () => {
  it.each([
    ["who gets through which route", Object.keys(routeAccess), "test/contract/route-access.ts, see its head"],
    [
      "what each route costs",
      Object.keys(costs),
      "bench/costs.json: UPDATE=1 npx vitest run --project contract test/contract/costs.test.ts",
    ],
  ])("is that of %s: no route without a row, no row without a route", (_list, rows, where) => {
    const routes = routesOf(app);
    expect(
      routes.filter((route) => !rows.includes(route)),
      `add a row for each of these to ${where}`,
    ).toEqual([]);
    expect(
      rows.filter((row) => !routes.includes(row)),
      `these rows have no route: ${where}`,
    ).toEqual([]);
  });
});

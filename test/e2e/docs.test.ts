import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { describedRoutes } from "../../scripts/openapi-document.ts";
import { openStage, type Stage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterEach(() => stage.clear());
afterAll(() => stage.close());

test("/openapi.json is the description of every route", async () => {
  const response = await fetch(`${stage.url}/openapi.json`);
  expect(response.headers.get("content-type")).toContain("application/json");
  const { paths } = (await response.json()) as { paths: Record<string, object> };
  const operations = Object.values(paths).flatMap((path) => Object.keys(path));
  expect(operations).toHaveLength(describedRoutes.length);
});

test.each(["health", "ready", "metrics"])(
  "/%s is watched at its own path; with a slash behind it there is nothing",
  async (name) => {
    for (const path of [`${name}/`, `${name}/x`]) {
      const response = await fetch(`${stage.url}/${path}`, { redirect: "manual" });
      expect([path, response.status, response.headers.get("content-type")]).toEqual([
        path,
        404,
        "application/problem+json",
      ]);
    }
  },
);

test("a path that nobody serves is 404, for programs and in a browser", async () => {
  const page = await stage.visit();
  for (const path of ["nowhere", "Health", "redy", "docs/x", "api"]) {
    expect([path, (await fetch(`${stage.url}/${path}`)).status]).toEqual([path, 404]);
    expect([path, (await page.goto(`${stage.url}/${path}`))?.status()]).toEqual([path, 404]);
  }
});

test("/docs shows every operation, loads nothing from elsewhere, and tries one out", async () => {
  const page = await stage.visit();
  const elsewhere: string[] = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(stage.url) && !request.url().startsWith("data:")) elsewhere.push(request.url());
  });
  await page.goto(`${stage.url}/docs`);
  await page.locator(".opblock").first().waitFor({ timeout: 45_000 });
  expect(await page.locator(".opblock").count()).toBe(describedRoutes.length);
  const opening = page.locator("#operations-Sessions-postSessions");
  await opening.locator(".opblock-summary-control").click();
  await opening.getByRole("button", { name: "Try it out" }).click();
  const answer = page.waitForResponse(`${stage.url}/api/sessions`);
  await opening.getByRole("button", { name: "Execute" }).click();
  expect((await answer).status()).toBe(201);
  expect(elsewhere).toEqual([]);
});

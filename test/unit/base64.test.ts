import { describe } from "vitest";
import { base64Cases } from "../support/base64-cases.ts";

describe("base64 by strings of bytes", () => {
  base64Cases();
});

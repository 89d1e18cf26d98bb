import * as z from "zod/mini";
import { json, room } from "./describe.ts";

export const modelApi = room("Models", "What may answer.", {
  "GET /api/models": {
    summary: "List the provider's models",
    detail:
      "Asked of the provider at most every ten minutes, by one request at a time; meanwhile an older list will do.",
    access: "session",
    answers: {
      200: json(
        "Their names, sorted; `default` answers where an agent names none.",
        z.strictObject({ models: z.array(z.string()), default: z.string() }),
      ),
    },
    problems: ["model_unavailable", "model_rate_limited", "model_rejected", "model_garbled", "misconfigured"],
  },
});

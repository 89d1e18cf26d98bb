import { availableParallelism } from "node:os";

import { checkSteps } from "./check-steps.ts";
import { finish, runSteps } from "./run-steps.ts";

finish(await runSteps(checkSteps, Math.min(availableParallelism(), 4)));

/** Runs once before the tests with real processes: builds the Worker as it is deployed. */
import { buildWorker } from "../../scripts/build-worker.ts";

export const setup = buildWorker;

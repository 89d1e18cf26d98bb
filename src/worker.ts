import { createApp } from "./app.ts";
import { createSweep } from "./scheduled.ts";
import { createWire } from "./wire.ts";

const app = createApp(createWire);

// oxlint-disable-next-line import/no-default-export -- a Worker's entry is its default export
export default { fetch: app.fetch, scheduled: createSweep(createWire) } satisfies ExportedHandler<Env>;

/** A way to the app that can be cut: bytes pass in both directions until `cut` destroys every open connection. */
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export interface CuttableProxy {
  url: string;
  /** Breaks all connections that are open now; new ones are let through. */
  cut(): void;
  /** Connections broken so far. */
  cuts(): number;
  close(): Promise<void>;
}

export async function startCuttableProxy(targetUrl: string): Promise<CuttableProxy> {
  const target = new URL(targetUrl);
  const open = new Set<Socket>();
  let cutCount = 0;

  const server = createServer((inbound) => {
    const outbound = connect(Number(target.port), target.hostname);
    const end = (): void => {
      inbound.destroy();
      outbound.destroy();
      open.delete(inbound);
    };
    open.add(inbound);
    for (const socket of [inbound, outbound]) socket.on("error", end).on("close", end);
    inbound.pipe(outbound);
    outbound.pipe(inbound);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  const cut = (): void => {
    cutCount += open.size;
    // A reset, as a lost connection is; an orderly end could be taken for the end of the answer.
    for (const socket of open) socket.resetAndDestroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    cuts: () => cutCount,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        cut();
      }),
  };
}

/** The floor in Node: `node floor-server.ts <redis url> <token>`. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { runFloor } from "./floor.ts";

const [url = "", token = ""] = process.argv.slice(2);
const server = createServer((request, response) => {
  const steps = Number(new URL(request.url ?? "/", "http://floor").searchParams.get("steps"));
  runFloor({ url, token }, steps).then(
    (sum) => response.end(String(sum)),
    (error: unknown) => response.writeHead(500).end(String(error)),
  );
});
server.listen(0, "127.0.0.1", () => console.log(`at http://127.0.0.1:${(server.address() as AddressInfo).port}`));

/** The destination of the deliveries: answers 200 to everything, and a GET with how many others came. Prints its port. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

let count = 0;
const server = createServer((request, response) => {
  if (request.method === "GET") return void response.end(String(count));
  count += 1;
  request.resume();
  response.writeHead(200, { "Content-Length": 0 });
  response.end();
});
server.listen(0, "127.0.0.1", () => console.log(`port ${(server.address() as AddressInfo).port}`));

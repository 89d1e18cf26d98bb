/** What an isolate of workerd still holds once its garbage is collected, asked through its inspector. */

interface Reply {
  readonly id?: number;
  readonly result?: { readonly usedSize?: number };
}

/** @param inspector host and port. @returns MiB of the JavaScript heap that are reachable. */
export async function liveHeapMiB(inspector: string): Promise<number> {
  const isolates = (await (await fetch(`http://${inspector}/json`)).json()) as { webSocketDebuggerUrl: string }[];
  const socket = new WebSocket(isolates[0]!.webSocketDebuggerUrl);
  try {
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve);
      socket.addEventListener("error", () => reject(new Error("the inspector does not answer")));
    });
    await ask(socket, 1, "HeapProfiler.collectGarbage");
    const { usedSize } = (await ask(socket, 2, "Runtime.getHeapUsage")).result ?? {};
    if (usedSize === undefined) throw new Error("the inspector did not say how large the heap is");
    return usedSize / 2 ** 20;
  } finally {
    socket.close();
  }
}

function ask(socket: WebSocket, id: number, method: string): Promise<Reply> {
  return new Promise((resolve) => {
    socket.addEventListener("message", function hear({ data }) {
      const reply = JSON.parse(String(data)) as Reply;
      if (reply.id !== id) return;
      socket.removeEventListener("message", hear);
      resolve(reply);
    });
    socket.send(JSON.stringify({ id, method }));
  });
}

import { readFile } from "node:fs/promises";

/** Memory of a process that is in RAM. */
export async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kib === undefined) throw new Error(`process ${pid} has no memory: is it gone?`);
  return Number(kib) / 1024;
}

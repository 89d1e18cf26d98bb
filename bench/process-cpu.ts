import { readFile } from "node:fs/promises";

/** Linux counts process times in ticks of this many milliseconds. */
const tickMs = 10;

/** User and system time of a process so far, all of its threads. */
export async function processCpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  // The name in the second field may hold spaces; utime and stime are the 14th and 15th field of the line.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * tickMs;
}

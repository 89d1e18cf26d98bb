import { execFileSync } from "node:child_process";

/** Sends SIGKILL to the workerd that runs the Worker: the younger of two. The other is wrangler's own proxy, which it cannot replace. */
export function killWorkerd(): void {
  const rows = execFileSync("ps", ["-eo", "pid=,ppid=,args="], { encoding: "utf8" })
    .split("\n")
    .map((row) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(row))
    .filter((row) => row !== null);
  const parents = new Map(rows.map((row) => [Number(row[1]), Number(row[2])]));
  const isOurs = (pid: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined && at > 1; at = parents.get(at))
      if (at === process.pid) return true;
    return false;
  };
  const ours = rows.filter((row) => row[3]!.includes("workerd serve") && isOurs(Number(row[1])));
  process.kill(Math.max(...ours.map((row) => Number(row[1]))), "SIGKILL");
}

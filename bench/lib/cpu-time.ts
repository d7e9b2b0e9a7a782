import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { BenchError } from "./question.ts";

let ticksPerSecond: number | undefined;

/**
 * Microseconds of CPU that a process, its threads and its children have used, user and system. In steps of a clock tick,
 * mostly 10 ms.
 */
export function cpuTime(pid: number): number {
  if (process.platform !== "linux") throw new BenchError("CPU time is read from /proc, so this runs on Linux only.");
  ticksPerSecond ??= Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
  return (ticksOf(pid) / ticksPerSecond) * 1_000_000;
}

/** The same in nanoseconds, of a process and the threads that it has at the moment, but not of its children. */
export function exactCpuTime(pid: number): number {
  if (!existsSync("/proc/self/schedstat"))
    throw new BenchError("CPU time is read from /proc/…/schedstat, which this system does not have.");
  return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => sum + nanosecondsOf(pid, thread), 0);
}

function nanosecondsOf(pid: number, thread: string): number {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
  } catch {
    // It has ended since it was listed.
    return 0;
  }
}

function ticksOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // After the name, which may hold spaces and brackets, comes field 3: proc_pid_stat(5). 14 to 17 are the times.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const own = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return childrenOf(pid).reduce((sum, child) => sum + ticksOf(child), own);
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean).map(Number),
  );
}

// Is the memory of a server flat over a million requests with background tasks?
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { BenchOptions } from "./lib/options.ts";
import { BenchError, type Answer } from "./lib/question.ts";
import { ServerProcess } from "./lib/server-process.ts";
import { SqliteFile } from "./lib/sqlite-file.ts";
import { load, wrkVersion } from "./lib/wrk.ts";

interface Memory {
  readonly requests: number;
  readonly tasks: number;
  /** Bytes after a full collection. */
  readonly heap: number;
  readonly resident: number;
  readonly handles: number;
}

const ways = {
  task: "task in the process",
  named: "named task on SQLite, run by the same process",
} as const;
type Way = keyof typeof ways;

/** So much may the heap have grown from the second tenth to the last. */
const maxGrowth = 1.05;

export const names: readonly string[] = Object.keys(ways);

export async function run(options: BenchOptions): Promise<Answer> {
  const wrk = wrkVersion();
  const picked = (Object.keys(ways) as Way[]).filter((way) => options.only.size === 0 || options.only.has(way));
  const most = options.quick ? 10_000 : 1_000_000;
  const measured = new Map<Way, Memory[]>();
  for (const way of picked) measured.set(way, await measure(way, most, options));
  return {
    tables: [
      {
        title: `P8: memory over ${most.toLocaleString("en-US")} requests`,
        plot: { kind: "lines", of: "heap MB", over: "requests", by: "what", ours: /./ },
        head: ["what", "requests", "heap MB", "resident MB", "handles"],
        rows: picked.flatMap((way) =>
          measured
            .get(way)!
            .map(({ requests, heap, resident, handles }) => [
              ways[way],
              requests.toLocaleString("en-US"),
              (heap / 2 ** 20).toFixed(2),
              (resident / 2 ** 20).toFixed(1),
              String(handles),
            ]),
        ),
      },
    ],
    notes: [
      "Each row is taken when all tasks have ended and after a full garbage collection. SQLite's named jobs are kept for their time after their end, in the file.",
    ],
    targets: picked.map((way) => {
      const rows = measured.get(way)!;
      const growth = rows.at(-1)!.heap / rows[Math.min(2, rows.length - 1)]!.heap;
      return {
        text: `P8 memory flat: the heap after all at most ${maxGrowth} × that after two tenths, ${ways[way]}`,
        value: growth.toFixed(3),
        isMet: growth <= maxGrowth,
      };
    }),
    skipped: [],
    data: { wrk, measured: Object.fromEntries(measured) },
  };
}

async function measure(way: Way, most: number, { connections }: BenchOptions): Promise<Memory[]> {
  using file = new SqliteFile();
  const program = fileURLToPath(new URL("peers/memory.ts", import.meta.url));
  const server = await ServerProcess.start(
    ways[way],
    (port) => ({
      command: process.execPath,
      args: ["--conditions=afterword-source", "--expose-gc", program, way, String(port), file.path],
    }),
    "/memory",
  );
  try {
    const rows = [await settled(server)];
    for (let tenth = 1; tenth <= 10; tenth++) {
      console.error(`P8, memory: ${ways[way]}, ${tenth} of 10`);
      let now: Memory;
      do {
        await load(`${server.url}/send-notification/foo@example.com`, 1, connections);
        now = await settled(server);
      } while (now.requests < (most * tenth) / 10);
      rows.push(now);
    }
    return rows;
  } finally {
    await server.stop();
  }
}

/** What it holds when each request has had its task run. */
async function settled(server: ServerProcess): Promise<Memory> {
  for (const deadline = performance.now() + 60_000; ; await sleep(50)) {
    server.assertRuns();
    const response = await fetch(`${server.url}/memory`, { signal: AbortSignal.timeout(10_000) });
    const memory = (await response.json()) as Memory;
    if (memory.tasks === memory.requests) return memory;
    if (performance.now() > deadline)
      throw new BenchError(`${server.name} has run ${memory.tasks} tasks for ${memory.requests} requests.`);
  }
}

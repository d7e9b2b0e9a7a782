// Run by routes.ts with --expose-gc: what do routes cost before the first request is answered, and how much heap do they keep?
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { pathAt, routeTable } from "../lib/route-table.ts";
import { tableApps } from "./table-apps.ts";

/** Milliseconds, and bytes of heap for each route when the first request has been answered. */
export interface Definition {
  readonly defineMs: number;
  readonly listenMs: number;
  readonly firstAnswerMs: number;
  readonly secondAnswerMs: number;
  readonly heapBytes: number;
  readonly describeMs: number | undefined;
}

const [framework, count, kind] = process.argv.slice(2);
const table = routeTable(Number(count), kind === "overlapping");
const path = pathAt("end", Number(count));

/** Once in another app, so that neither loading the framework nor the client is counted with the routes. */
await build(pathAt("end", 10), routeTable(10, kind === "overlapping"));
process.send!(await build(path, table));
process.exit();

async function build(path: string, table: ReturnType<typeof routeTable>): Promise<Definition> {
  const heapBefore = heapUsed();
  const app = tableApps[framework!]!();
  const defineMs = msOf(() => app.define(table));
  const listenStart = performance.now();
  const port = await app.listen(0);
  const listenMs = performance.now() - listenStart;
  const firstAnswerMs = await answerMs(port, path);
  const secondAnswerMs = await answerMs(port, path);
  const heapBytes = heapUsed() - heapBefore;
  const { describe } = app;
  return {
    defineMs,
    listenMs,
    firstAnswerMs,
    secondAnswerMs,
    heapBytes,
    describeMs: describe && msOf(describe),
  };
}

function msOf(work: () => unknown): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

async function answerMs(port: number, path: string): Promise<number> {
  const start = performance.now();
  const asked = request({ port, host: "127.0.0.1", path, method: "POST", agent: false }).end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  response.resume();
  await once(response, "end");
  if (response.statusCode !== 200) throw new Error(`POST ${path} was answered with ${response.statusCode}.`);
  return performance.now() - start;
}

function heapUsed(): number {
  for (let times = 0; times < 3; times++) globalThis.gc!();
  return process.memoryUsage().heapUsed;
}

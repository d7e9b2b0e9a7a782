import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { backgroundTasks } from "afterword/node";
import { BenchError } from "./question.ts";
import { median } from "./statistics.ts";

/** What a request with one task costs in the process, without HTTP around it, in microseconds of CPU. */
export interface AdapterCost {
  /** The function called on the response's event `close`. */
  readonly byHandUs: number;
  /** The same function added to the list of the request. */
  readonly usedUs: number;
}

let calls = 0;

function work(_message: string): void {
  calls++;
}

/** Requests in groups that end together, as they do on a busy server. */
const groupSize = 50;

export async function measureAdapterCost(rounds: number, count: number): Promise<AdapterCost> {
  const background = await backgroundTasks({ worker: false }).open();
  const socket = new Socket();
  const ways = {
    bare() {},
    byHand: (_request: IncomingMessage, response: ServerResponse) => void response.once("close", () => work("x")),
    used: (request: IncomingMessage, response: ServerResponse) => void background(request, response).addTask(work, "x"),
  };
  const samples: Record<keyof typeof ways, number[]> = { bare: [], byHand: [], used: [] };
  for (let round = 0; round <= rounds; round++)
    for (const way of ["bare", "byHand", "used"] as const) {
      const cpuUs = await measure(ways[way], socket, count);
      // The first round warms up.
      if (round > 0) samples[way].push(cpuUs);
    }
  await background.close();
  socket.destroy();
  const over = (way: "byHand" | "used"): number =>
    median(samples[way].map((cpuUs, round) => cpuUs - samples.bare[round]!));
  return { byHandUs: over("byHand"), usedUs: over("used") };
}

async function measure(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
  socket: Socket,
  count: number,
): Promise<number> {
  const before = process.cpuUsage();
  for (let done = 0; done < count; done += groupSize) {
    const responses = Array.from({ length: groupSize }, () => {
      const request = new IncomingMessage(socket);
      const response = new ServerResponse(request);
      handle(request, response);
      return response;
    });
    for (const response of responses) response.emit("close");
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { user, system } = process.cpuUsage(before);
  if (calls % count !== 0) throw new BenchError(`${calls} tasks have run, where a multiple of ${count} is expected.`);
  return (user + system) / count;
}

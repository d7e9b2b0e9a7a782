import { readdir, readlink } from "node:fs/promises";
import { App, BackgroundTasks, path, type CloseReport } from "afterword";
import { expect } from "vitest";
import { createGate } from "../support/gate.ts";
import { startApp } from "../support/hosts.ts";
import { RawClient, closeRawClients, type RawRequest, type RawResponse } from "../support/raw-client.ts";
import { Recorder } from "../support/recorder.ts";
import { waitUntil, within } from "../support/wait-until.ts";

/** What attacks an app, and what it finds there. */
export interface Attack {
  readonly port: number;
  /** What the app's tasks, handlers and `onError` have told. */
  readonly recorder: Recorder;
  /** Errors that were reported to `background.onError`. */
  readonly reported: unknown[];
  connect(): Promise<RawClient>;
  /** A whole request on a connection of its own, and its whole response. */
  request(method: string, target: string, request?: RawRequest): Promise<RawResponse>;
}

/** The parts of an app that is attacked. */
export interface Target {
  readonly app: App;
  readonly recorder: Recorder;
}

/** How long a server that has nothing left to do may take to close. */
const promptMs = 2_000;

/**
 * Attacks an app while others use it: one request waits in its handler and the task of another is running all the time.
 * Afterwards both are as if nothing had happened, a new connection is served, the server closes promptly and well, and
 * nothing of it is left open.
 */
export async function besideNeighbors(
  define: (target: Target) => void,
  attack: (attack: Attack) => Promise<unknown>,
  options: ConstructorParameters<typeof App>[0] = {},
): Promise<CloseReport> {
  const recorder = new Recorder();
  const reported: unknown[] = [];
  const gate = createGate();
  const app = new App({
    ...options,
    background: { onError: (error) => void reported.push(error), ...options.background },
  });
  app.post("/neighbor/:name", { name: path(), tasks: BackgroundTasks }, async ({ name, tasks }) => {
    tasks.addTask(async () => {
      recorder.add(`the task of ${name} starts`);
      if (name === "the one with a long task") await gate.opened;
      recorder.add(`the task of ${name} ends`);
    });
    recorder.add(`${name} is in its handler`);
    if (name === "the one in its handler") await gate.opened;
    return { name };
  });
  define({ app, recorder });
  const server = await startApp(app);
  const connect = (): Promise<RawClient> => RawClient.connect(server.port);
  const request: Attack["request"] = async (method, target, init) => {
    const client = await connect();
    const response = await within(
      client.send(method, target, init).response,
      10_000,
      `the answer to ${method} ${target}`,
    );
    client.hangUp();
    return response;
  };
  const visit = async (name: string): Promise<void> => {
    const response = await request("POST", `/neighbor/${encodeURIComponent(name)}`, { body: "" });
    expect(response.status).toBe(200);
    expect(JSON.parse(response.text)).toEqual({ name });
  };

  await visit("the one with a long task");
  await recorder.when("the task of the one with a long task starts");
  const held = visit("the one in its handler");
  // When the attack fails, nobody asks for it any more.
  held.catch(() => {});
  await recorder.when("the one in its handler is in its handler");

  await attack({
    port: server.port,
    recorder,
    reported,
    connect,
    request,
  });

  gate.open();
  await held;
  await visit("the one that comes later");
  for (const name of ["the one with a long task", "the one in its handler", "the one that comes later"])
    await recorder.when(`the task of ${name} ends`);
  const report = await within(server.close(), promptMs, "the server to close");
  expect(report).toMatchObject({ ok: true, lost: [], errors: [], connectionsCut: 0 });
  for (const name of ["the one with a long task", "the one in its handler", "the one that comes later"])
    expect(recorder.count(`the task of ${name} ends`)).toBe(1);
  closeRawClients();
  await nothingStaysOpen();
  return report;
}

/** Resolves when this process has neither sockets nor temporary files open. */
async function nothingStaysOpen(): Promise<void> {
  const sockets = (): string[] => process.getActiveResourcesInfo().filter((name) => /^TCP/.test(name));
  await waitUntil(() => sockets().length === 0, { what: "all sockets are closed" });
  expect(await openTempFiles()).toEqual([]);
}

/** The files of the temporary directory that this process has open, also removed ones; on Linux only. */
async function openTempFiles(): Promise<string[]> {
  const descriptors = await readdir("/proc/self/fd").catch(() => []);
  const targets = await Promise.all(descriptors.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => "")));
  return targets.filter((target) => target.includes("/afterword-"));
}

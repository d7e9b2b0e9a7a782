import { expect, it, onTestFinished } from "vitest";
import { postgres } from "../../src/brokers/postgres/index.ts";
import type { Broker } from "../../src/tasks/broker.ts";
import { createSampleJob } from "../../src/testing/describe-broker/sample-job.ts";
import { startChild } from "../support/child-app.ts";
import { freePort } from "../support/free-port.ts";
import { withPostgres } from "../support/test-servers.ts";
import { createDatabase, urlOf } from "./postgres-setup.ts";

const program = new URL("bin/cli.js", import.meta.resolve("@pg-boss/dashboard/package.json"));

async function startDashboard(databaseUrl: string): Promise<string> {
  const port = await freePort();
  const child = startChild(program, {
    env: { DATABASE_URL: databaseUrl, HOST: "127.0.0.1", PORT: String(port), NODE_ENV: "production" },
  });
  onTestFinished(() => child.kill());
  await child.line(/listening/, 20_000);
  return `http://127.0.0.1:${port}`;
}

async function openBroker(url: string): Promise<Broker> {
  const broker = postgres(url);
  await broker.open();
  onTestFinished(() => broker.close());
  return broker;
}

async function read(url: string): Promise<string> {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  return response.text();
}

withPostgres("pg-boss's dashboard", () => {
  it("shows our queues and jobs, by their states", { timeout: 40_000 }, async () => {
    const { name, drop } = await createDatabase();
    onTestFinished(drop);
    const broker = await openBroker(urlOf(name));
    const [waits, canceled] = [createSampleJob({ queue: "images" }), createSampleJob({ queue: "images" })];
    await broker.enqueue({ jobs: [waits, canceled] });
    await broker.cancel({ ids: [canceled.id], reason: "no" });
    const dashboard = await startDashboard(urlOf(name));
    expect(await read(`${dashboard}/queues`)).toContain("/queues/images");
    const list = await read(`${dashboard}/jobs?state=all`);
    expect(list).toContain(waits.id);
    expect(list).toContain(canceled.id);
    // The page of a queue has the jobs of one state, and its counts.
    const canceledOnes = await read(`${dashboard}/queues/images?state=cancelled`);
    expect(canceledOnes).toContain(canceled.id);
    expect(canceledOnes).not.toContain(waits.id);
  });
});

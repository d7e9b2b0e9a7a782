import { Client, exponential, Worker, type Broker, type JobReport, type NewJob, type WorkerOptions } from "afterword";
import { createSampleJob } from "../../src/testing/describe-broker/sample-job.ts";
import type { BrokerKind } from "./brokers.ts";

/** What `onError` of a worker was told. */
export interface Told {
  readonly error: unknown;
  readonly report: JobReport;
}

/** A broker, a client that stores jobs in it, and a worker that runs them and writes down what it is told. */
export interface Workplace extends AsyncDisposable {
  readonly broker: Broker;
  readonly client: Client;
  readonly worker: Worker;
  readonly told: readonly Told[];
}

/** Opens a workplace whose worker is running. */
export async function openWorkplace(
  kind: BrokerKind,
  options: Omit<WorkerOptions, "broker" | "onError"> = {},
): Promise<Workplace> {
  const broker = await kind.create();
  const client = new Client({ broker });
  await client.open();
  const told: Told[] = [];
  const worker = new Worker(
    { broker, drainTimeout: 0, ...options, onError: (error, report) => void told.push({ error, report }) },
    client,
  );
  await worker.start();
  return {
    broker,
    client,
    worker,
    told,
    async [Symbol.asyncDispose]() {
      await worker.close();
      await client.close();
    },
  };
}

/** A job as another program may have stored it, which Afterword's own checks have not seen. */
export function foreignJob(changes: Partial<NewJob> & { readonly task: string }): NewJob {
  return createSampleJob({
    backoff: exponential({ base: "1ms" }),
    keepResultMs: 60_000,
    keepFailedMs: 60_000,
    ...changes,
  });
}

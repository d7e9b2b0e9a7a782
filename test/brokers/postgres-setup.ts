import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import { postgres } from "../../src/brokers/postgres/index.ts";
import type { BrokerSetup, UserTransaction } from "../../src/testing/describe-broker/index.ts";
import { postgresUrl } from "../support/test-servers.ts";
import { PostgresProxy } from "./fixtures/postgres-proxy.ts";

const workerProgram = fileURLToPath(new URL("fixtures/postgres-worker.ts", import.meta.url));

/** A server on which the tests may create databases. */
const server = new URL(postgresUrl);
const template = `afterword_test_${process.pid}`;
let number = 0;

export function urlOf(database: string, port: number = Number(server.port || 5432)): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  url.port = String(port);
  return url.href;
}

export async function withAdmin<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: server.href });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Made once for all tests of a process: a database in which the tables are there already is copied quickly. */
let prepared: Promise<void> | undefined;

async function prepare(): Promise<void> {
  await withAdmin(async (client) => {
    await client.query(`DROP DATABASE IF EXISTS ${template} WITH (FORCE)`);
    await client.query(`CREATE DATABASE ${template}`);
  });
  const broker = postgres(urlOf(template));
  await broker.open();
  await broker.close();
}

/** A database of its own, with the tables of the broker. */
export async function createDatabase(): Promise<{ readonly name: string; readonly drop: () => Promise<void> }> {
  await (prepared ??= prepare());
  const name = `${template}_${++number}`;
  await withAdmin((client) => client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`));
  return {
    name,
    drop: () => withAdmin(async (client) => void (await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`))),
  };
}

/** After all tests of a process. */
export async function dropTemplate(): Promise<void> {
  if (prepared === undefined) return;
  await withAdmin((client) => client.query(`DROP DATABASE IF EXISTS ${template} WITH (FORCE)`));
}

/** A broker on a database of its own, and all that the suite can make use of. */
export async function createPostgresSetup(): Promise<BrokerSetup> {
  const { name, drop } = await createDatabase();
  const proxy = await PostgresProxy.start(server.hostname, Number(server.port || 5432));
  const url = urlOf(name, proxy.port);
  return {
    broker: postgres(url),
    another: async () => postgres(urlOf(name)),
    spawnWorker: async (env) =>
      spawn(process.execPath, ["--conditions=afterword-source", workerProgram, urlOf(name)], {
        stdio: ["ignore", "ignore", "inherit"],
        env: { ...process.env, NODE_OPTIONS: "", ...env },
      }),
    transaction: async () => begin(urlOf(name)),
    interrupt: async () => {
      proxy.set("silent");
      return async () => proxy.set("open");
    },
    dispose: async () => {
      await proxy.stop();
      await drop();
    },
  };
}

export async function begin(url: string): Promise<UserTransaction> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query("BEGIN");
  const end = async (statement: string): Promise<void> => {
    await client.query(statement);
    await client.end();
  };
  return { handle: client, commit: () => end("COMMIT"), rollback: () => end("ROLLBACK") };
}

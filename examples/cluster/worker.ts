// What `afterword worker app.ts --concurrency 4 --lease 30s` does, with settings from the environment.
//
//   LEASE_MS=5000 node worker.ts
import app from "./app.ts";

await app.open({
  concurrency: Number(process.env.CONCURRENCY ?? 4),
  lease: Number(process.env.LEASE_MS ?? 30_000),
});
console.log(`Worker ready on ${app.broker.name}.`);

const keepAlive = setInterval(() => {}, 2 ** 30); // A connection to a broker keeps no process alive.
process.once("SIGTERM", async () => {
  clearInterval(keepAlive);
  const { ok } = await app.close(); // Waits for jobs until drainTimeout; what is left is given back.
  process.exitCode = ok ? 0 : 1;
});

// Run by tests as a process of its own: `sqlite-process.fixture.ts open|enqueue <file>`.
import { toSqliteConfig } from "./options.ts";
import { createJob } from "./new-job.fixture.ts";
import { SqliteStore } from "./sqlite-store.ts";

const [, , what, file] = process.argv;
const store = new SqliteStore(toSqliteConfig(file!, { thread: what === "enqueue" }));

try {
  await store.open();
  if (what === "enqueue") await enqueueForever();
  await store.enqueue({ jobs: [createJob()] });
  await store.close();
  console.log("ok");
} catch (error) {
  console.log(`${(error as { code: string }).code}: ${(error as Error).message}`);
}

/** Tells of each job that is stored, until it is killed. */
async function enqueueForever(): Promise<never> {
  const caller = async (): Promise<never> => {
    for (;;) {
      const job = createJob();
      await store.enqueue({ jobs: [job] });
      process.stdout.write(`${job.id}\n`);
    }
  };
  return (await Promise.all(Array.from({ length: 20 }, caller)))[0]!;
}

import { sqlite } from "afterword";
import { waitUntil } from "./wait-until.ts";

/** Waits until a SQLite file has jobs, none of which is running: whoever dies then leaves no lease behind. */
export async function jobsAtRest(file: string): Promise<void> {
  const broker = sqlite(file);
  await broker.open();
  try {
    await waitUntil(
      async () => {
        const counts = await broker.counts();
        return counts.some(({ scheduled }) => scheduled > 0) && counts.every(({ running }) => running === 0);
      },
      { withinMs: 20_000, what: "a job waits for its next attempt" },
    );
  } finally {
    await broker.close();
  }
}

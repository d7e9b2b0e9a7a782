import { expect } from "vitest";
import { waitUntil } from "../../support/wait-until.ts";
import type { Fleet, Victim } from "./fleet.ts";

const patience = { timeout: "50s" } as const;

/**
 * Kills workers of a fleet in the middle of jobs, of which there are always more, and starts others in their places. Every job must
 * have begun and ended with success, once.
 *
 * @param start - starts a worker of a kind; at first there are two of ours, and one of each of Celery's
 * @returns what was seen, for people
 */
export async function killOneAfterAnother(
  fleet: Fleet,
  start: Readonly<Record<Victim["kind"], () => Promise<Victim>>>,
  orders: readonly Victim["kind"][],
): Promise<string> {
  const workers = await Promise.all([start.ours(), start.ours(), start.prefork(), start.solo()]);
  const jobs = [...(await fleet.send(30, 0.3))];
  const replaced: Promise<unknown>[] = [];
  for (const kind of orders) {
    const place = workers.findIndex((worker) => worker.kind === kind);
    const [victim] = workers.splice(place, 1);
    // There is always more to do, so that all are in the middle of it.
    while ((await fleet.running(victim!)).length === 0)
      if ((await fleet.waiting()) < 15) jobs.push(...(await fleet.send(15, 0.3)));
    await fleet.killFull(victim!);
    const next = start[kind]();
    replaced.push(next);
    if (kind === "ours") workers.push(await next);
  }
  const results = await Promise.all(
    jobs.map((job) =>
      job.result(patience).catch(async (error: unknown) => {
        throw new Error(`${String(error)}\n${await fleet.describe(job.id)}`, { cause: error });
      }),
    ),
  );
  await Promise.all(replaced);
  await waitUntil(async () => (await fleet.unfinished()) === 0, { withinMs: 20_000 });

  expect(results.filter((result) => !/^by (ours|prefork|solo)$/.test(result))).toEqual([]);
  const begun = await fleet.begun();
  const ids = jobs.map(({ id }) => id).toSorted();
  expect([...new Set(begun.map(({ id }) => id))].toSorted()).toEqual(ids);
  const ends = fleet.published.filter(({ status }) => ["SUCCESS", "FAILURE", "REVOKED"].includes(status));
  expect(ends.map(({ id }) => id).toSorted()).toEqual(ids);
  expect(new Set(ends.map(({ status }) => status))).toEqual(new Set(["SUCCESS"]));
  const by = (kind: string): number => ends.filter(({ result }) => result === `by ${kind}`).length;
  return (
    `${jobs.length} jobs, ${orders.length} workers killed: ${begun.length - jobs.length} runs were repeated; ` +
    `ended by ours ${by("ours")}, by prefork ${by("prefork")}, by solo ${by("solo")}`
  );
}

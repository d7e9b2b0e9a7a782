import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { withCeleryOnRabbitmq } from "../support/test-servers.ts";
import { AmqpFleet } from "./kills/amqp-fleet.ts";
import type { Victim } from "./kills/fleet.ts";
import { killOneAfterAnother } from "./kills/one-after-another.ts";

const patience = { timeout: "50s" } as const;
/** Milliseconds; much more than it may take until others have what a killed worker had. */
const lease = 30_000;
const soonMs = 10_000;

/** Celery as it must be set to lose nothing. */
const safe = { task_acks_late: true, task_reject_on_worker_lost: true } as const;

withCeleryOnRabbitmq(
  "workers that are killed, of Celery's and ours on a queue of RabbitMQ",
  { timeout: 120_000 },
  () => {
    const fleet = new AmqpFleet(13);
    beforeAll(() => fleet.open(), 90_000);
    afterEach(() => fleet.clear(), 30_000);
    afterAll(() => fleet.close(), 30_000);

    it("ends every job once, whoever is killed in the middle of it", async () => {
      const start: Readonly<Record<Victim["kind"], () => Promise<Victim>>> = {
        ours: () => fleet.startOurs({ lease }),
        prefork: () => fleet.startCelery("prefork", safe),
        solo: () => fleet.startCelery("solo", safe),
      };
      console.log(await killOneAfterAnother(fleet, start, ["ours", "prefork", "ours", "solo"]));
      // What was not acknowledged waits again now.
      await fleet.endWorkers();
      expect(await fleet.unfinished()).toBe(0);
    });

    it("gives the jobs of a killed worker to the others at once, whatever its lease, from one kind to the other", async () => {
      const ours = await fleet.startOurs({ lease, slots: 2 });
      const jobs = await fleet.send(2, 60);
      await fleet.untilRunning(ours, 2);
      const theirs = await fleet.startCelery("prefork", safe);
      const tookMs: number[] = [];
      for (const [victim, next] of [
        [ours, theirs],
        [theirs, await fleet.startOurs({ lease, slots: 2 })],
      ] as const) {
        const killedMs = performance.now();
        await victim.kill();
        await fleet.untilRunning(next, 2);
        tookMs.push(Math.round(performance.now() - killedMs));
      }
      console.log(
        `Jobs began again ${tookMs[0]} ms after our worker was killed, and ${tookMs[1]} ms after Celery's was`,
      );
      expect(Math.max(...tookMs)).toBeLessThan(soonMs);
      await fleet.letGo();
      for (const job of jobs) expect(await job.result(patience)).toBe("by ours");
      expect((await fleet.begun()).map(({ by }) => by)).toEqual(["ours", "ours", "prefork", "prefork", "ours", "ours"]);
    });
  },
);

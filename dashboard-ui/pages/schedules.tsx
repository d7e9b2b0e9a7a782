import type { JSX } from "preact";
import type { ScheduleView } from "../../src/dashboard/dashboard-types.ts";
import { post } from "../api.ts";
import { useCan } from "../info.ts";
import { Empty, JobLink, Loading, Problem, Status } from "../parts/bits.tsx";
import { Time } from "../parts/time.tsx";
import { tell } from "../parts/toasts.tsx";
import { go, toHref } from "../router.ts";
import { useData } from "../use-data.ts";

export function Schedules(): JSX.Element {
  const can = useCan();
  const { data, error, reload } = useData<readonly ScheduleView[]>("schedules", { everyMs: 10_000 });
  const hold = async ({ name, isPaused }: ScheduleView): Promise<void> => {
    await tell(async () => {
      await post(`schedules/${encodeURIComponent(name)}/${isPaused ? "resume" : "pause"}`);
      return isPaused ? `${name} goes on.` : `${name} is paused.`;
    });
    reload();
  };
  const run = ({ name }: ScheduleView): Promise<void> =>
    tell(async () => {
      const { id } = await post<{ id: string }>(`schedules/${encodeURIComponent(name)}/run`);
      go(toHref("job", {}, id));
      return `A job of ${name} is stored.`;
    });
  return (
    <>
      <h1>Schedules</h1>
      <Problem error={error} />
      {data === undefined ? (
        !error && <Loading />
      ) : data.length === 0 ? (
        <Empty title="No schedules">
          An app has jobs by the clock with <code>app.schedule("nightly", "0 3 * * *", report, ["daily"])</code>.
        </Empty>
      ) : (
        <section class="panel">
          <table>
            <thead>
              <tr>
                <th>Schedule</th>
                <th>When</th>
                <th>Last</th>
                <th>Next</th>
                {can.change && (
                  <th>
                    <span class="hidden">Actions</span>
                  </th>
                )}
              </tr>
            </thead>
            <tbody>
              {data.map((schedule) => (
                <tr key={schedule.name}>
                  <td>
                    <b>{schedule.name}</b> {schedule.isPaused && <span class="status paused">paused</span>}
                    <div class="faint small">
                      runs <a href={toHref("jobs", { task: schedule.task })}>{schedule.task}</a>
                    </div>
                  </td>
                  <td>
                    <code>{schedule.cron}</code>
                    <div class="faint small">{schedule.timezone}</div>
                  </td>
                  <td data-label="last">
                    <Time at={schedule.lastTickAt} />{" "}
                    {schedule.lastJob && (
                      <div class="small">
                        <JobLink id={schedule.lastJob.id} />{" "}
                        {schedule.lastJob.status && <Status status={schedule.lastJob.status} />}
                      </div>
                    )}
                  </td>
                  <td data-label="next">
                    <Time at={schedule.nextTickAt} full />
                  </td>
                  {can.change && (
                    <td>
                      <span class="actions">
                        <button
                          disabled={!schedule.canRunNow}
                          title={
                            schedule.canRunNow
                              ? "Stores a job now; the ticks stay as they are"
                              : "Its arguments are not known here: mount the dashboard in the app that defines it"
                          }
                          aria-label={`Run ${schedule.name} now`}
                          onClick={() => run(schedule)}
                        >
                          Run now
                        </button>
                        <button
                          aria-label={`${schedule.isPaused ? "Resume" : "Pause"} ${schedule.name}`}
                          onClick={() => hold(schedule)}
                        >
                          {schedule.isPaused ? "Resume" : "Pause"}
                        </button>
                      </span>
                    </td>
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </>
  );
}

import type { JSX } from "preact";
import type { WorkerView } from "../../src/dashboard/dashboard-types.ts";
import { plural } from "../format.ts";
import { useCan, useInfo } from "../info.ts";
import { Empty, JobLink, Loading, Meter, Problem } from "../parts/bits.tsx";
import { Took } from "../parts/job-table.tsx";
import { Time } from "../parts/time.tsx";
import { useData } from "../use-data.ts";

export function Workers(): JSX.Element {
  const can = useCan();
  const info = useInfo();
  const { data, error } = useData<readonly WorkerView[]>("workers", { everyMs: 3_000 });
  return (
    <>
      <h1>Workers</h1>
      {!can.has("list") && (
        <p class="lead">
          The broker {info.broker} does not know workers of other processes: these are those of process {info.pid} on{" "}
          {info.host}.
        </p>
      )}
      <Problem error={error} />
      {data === undefined ? (
        !error && <Loading />
      ) : data.length === 0 ? (
        <Empty title="No worker is running">
          Jobs wait until one starts: <code>afterword worker app.ts</code>, or an app whose broker is embedded.
        </Empty>
      ) : (
        <div class="cards">
          {data.map((worker) => (
            <section key={worker.id} class="panel worker">
              <header>
                <h2>
                  {worker.host} <span class="faint">process {worker.pid}</span>
                </h2>
                <div class="aside faint">
                  heard of <Time at={worker.seenAt} />
                </div>
              </header>
              <div class="progress">
                <Meter value={worker.running / Math.max(1, worker.slots)} label="Slots in use" />
                {worker.running} of {plural(worker.slots, "slot")} in use
              </div>
              <p class="faint small">
                {worker.queues.join(", ")} · started <Time at={worker.startedAt} /> ·{" "}
                <span class="mono">{worker.id}</span>
              </p>
              {worker.jobs.length > 0 && (
                <table>
                  <tbody>
                    {worker.jobs.map((job) => (
                      <tr key={job.id}>
                        <td>{job.task}</td>
                        <td>
                          <JobLink id={job.id} />
                        </td>
                        <td>{job.progress !== undefined && <Meter value={job.progress} label="Progress" />}</td>
                        <td class="number">
                          <Took job={job} />
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              )}
            </section>
          ))}
        </div>
      )}
    </>
  );
}

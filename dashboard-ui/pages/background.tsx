import type { JSX } from "preact";
import type { BackgroundAnswer } from "../../src/dashboard/dashboard-types.ts";
import { formatCount, formatMs } from "../format.ts";
import { useInfo } from "../info.ts";
import { Empty, Loading, Problem, Section } from "../parts/bits.tsx";
import { Time, useNow } from "../parts/time.tsx";
import { useData } from "../use-data.ts";

export function Background(): JSX.Element {
  const info = useInfo();
  const now = useNow();
  const { data, error } = useData<BackgroundAnswer>("background", {
    concerns: false,
    everyMs: 1_000,
    atMostMs: 500,
    isFree: true,
  });
  return (
    <>
      <h1>Background tasks</h1>
      <p class="lead">
        Plain functions that run after responses, in process {info.pid} on {info.host}. Nothing of them is stored.
      </p>
      <Problem error={error} />
      {data === undefined ? (
        !error && <Loading />
      ) : (
        <>
          <ul class="tiles">
            <li class="tile">
              <span>waiting</span>
              <strong>{formatCount(data.waiting)}</strong>
              <small>of {formatCount(data.maxPending)} at most</small>
            </li>
            <li class="tile running">
              <span>running</span>
              <strong>{formatCount(data.running.length)}</strong>
            </li>
            <li class="tile">
              <span>ended</span>
              <strong>{formatCount(data.ended)}</strong>
              <small>since the app started</small>
            </li>
          </ul>
          <Section title="Running">
            {data.running.length === 0 ? (
              <Empty title="None is running">
                Add one in an endpoint: <code>tasks.addTask(writeLog, "hello")</code>.
              </Empty>
            ) : (
              <table>
                <tbody>
                  {data.running.map((task) => (
                    <tr key={task.id}>
                      <td>{task.name}</td>
                      <td class="mono faint">{task.requestId}</td>
                      <td class="number">{formatMs(Math.max(0, now - (task.startedAt ?? now)))}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )}
          </Section>
          <Section
            title="Failed, dropped or lost"
            aside={
              <>
                the last hundred since <Time at={info.watchingSince} />
              </>
            }
          >
            {data.failures.length === 0 ? (
              <Empty title="None">
                A task that throws is shown here, with its stack and the request that added it.
              </Empty>
            ) : (
              data.failures.map((task) => (
                <details key={task.id}>
                  <summary>
                    <b>{task.name}</b> <Time at={task.endedAt} />: {task.error?.message ?? task.reason}
                  </summary>
                  <p class="faint small mono">request {task.requestId ?? "unknown"}</p>
                  {task.error?.stack && (
                    <pre class="code stack" tabIndex={0}>
                      {task.error.stack}
                    </pre>
                  )}
                </details>
              ))
            )}
          </Section>
        </>
      )}
    </>
  );
}

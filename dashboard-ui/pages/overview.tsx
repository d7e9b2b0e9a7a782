import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type {
  DeadAnswer,
  HistoryAnswer,
  HistoryPoint,
  JobStatus,
  QueueCounts,
  QueuesAnswer,
  WorkerView,
} from "../../src/dashboard/dashboard-types.ts";
import { formatCount, formatMs, formatRate, formatShort, plural } from "../format.ts";
import { useCan, useInfo } from "../info.ts";
import { useSample } from "../live.ts";
import { Empty, Problem, Section } from "../parts/bits.tsx";
import { Chart } from "../parts/chart.tsx";
import { ErrorTable } from "../parts/errors.tsx";
import { Time } from "../parts/time.tsx";
import { toHref } from "../router.ts";
import { useData } from "../use-data.ts";

const tiles: readonly JobStatus[] = ["queued", "running", "scheduled", "failed", "succeeded"];
const maxSeconds = 300;

export function Overview({ theme }: { theme: string }): JSX.Element {
  const can = useCan();
  const info = useInfo();
  const sample = useSample();
  const first = useData<QueuesAnswer>(can.has("list") ? "queues" : undefined, { concerns: false });
  const workers = useData<readonly WorkerView[]>("workers", { concerns: false, everyMs: 5_000 });
  const dead = useData<DeadAnswer>(can.has("list") ? "dead" : undefined, { atMostMs: 5_000 });
  const queues = sample?.queues ?? first.data?.queues;
  return (
    <>
      <h1>Overview</h1>
      <Problem error={first.error ?? workers.error} />
      {can.has("list") ? (
        <>
          <Tiles queues={queues} at={sample?.at ?? first.data?.at} workers={workers.data} everyMs={sample?.everyMs} />
          <Charts theme={theme} />
          <div class="columns">
            <Section
              title="Most frequent errors"
              aside={
                <>
                  {dead.data?.next !== undefined && (
                    <span class="faint">among the newest {formatCount(dead.data.examined)} · </span>
                  )}
                  <a href={toHref("errors")}>All errors</a>
                </>
              }
            >
              <Problem error={dead.error} />
              {dead.data && dead.data.groups.length === 0 ? (
                <Empty title="No failed jobs">What fails in its last attempt is gathered here by its error.</Empty>
              ) : (
                <ErrorTable groups={dead.data?.groups.slice(0, 5) ?? []} isShort />
              )}
            </Section>
            <Section title="Queues" aside={<a href={toHref("queues")}>All queues</a>}>
              <Waiting queues={queues ?? []} />
            </Section>
          </div>
        </>
      ) : (
        <Empty title={`The broker ${info.broker} keeps no list of its jobs`}>
          It can neither be asked what waits nor what has failed.{" "}
          {can.has("results") ? "One job can be looked up by its id. " : ""}
          {info.broker === "rabbitmq" &&
            'With a store of results, rabbitmq(url, { results: sqlite("tasks.db") }) or AFTERWORD_RESULTS, everything is shown here. '}
          <a href={toHref("workers")}>Workers</a>
          {info.hasBackground && (
            <>
              {" and "}
              <a href={toHref("background")}>background tasks</a>
            </>
          )}{" "}
          of this process are.
        </Empty>
      )}
    </>
  );
}

function Tiles(props: {
  queues: readonly QueueCounts[] | undefined;
  at: number | undefined;
  everyMs: number | undefined;
  workers: readonly WorkerView[] | undefined;
}): JSX.Element {
  const { queues, at, everyMs = 0, workers } = props;
  const total = (status: JobStatus): number | undefined => queues?.reduce((sum, queue) => sum + queue[status], 0);
  const newest = workers?.length ? Math.max(...workers.map(({ startedAt }) => startedAt)) : undefined;
  return (
    <>
      <ul class="tiles">
        {tiles.map((status) => {
          const count = total(status);
          return (
            <li key={status}>
              <a class={`tile ${status}`} href={toHref("jobs", { status })}>
                <span>{status}</span>
                <strong title={count === undefined ? "" : formatCount(count)}>
                  {count === undefined ? "…" : formatShort(count)}
                </strong>
              </a>
            </li>
          );
        })}
        <li>
          <a class={`tile ${workers?.length === 0 ? "failed" : ""}`} href={toHref("workers")}>
            <span>workers</span>
            <strong>{workers === undefined ? "…" : formatShort(workers.length)}</strong>
            {newest !== undefined && (
              <small>
                newest started <Time at={newest} />
              </small>
            )}
          </a>
        </li>
      </ul>
      {everyMs > 5_000 && (
        <p class="faint">
          Counted <Time at={at} />. Counting takes a while on this broker, so it is done every {formatMs(everyMs)}.
        </p>
      )}
    </>
  );
}

/** The charts: what the server remembers, and what comes since. */
function Charts({ theme }: { theme: string }): JSX.Element {
  const info = useInfo();
  const [range, setRange] = useState<"seconds" | "minutes">("seconds");
  const history = useData<HistoryAnswer>("history", {
    concerns: false,
    everyMs: range === "minutes" ? 60_000 : 0,
    isFree: true,
  });
  const sample = useSample();
  const [live, setLive] = useState<readonly HistoryPoint[]>([]);
  useEffect(() => {
    if (sample) setLive((points) => [...points.slice(-maxSeconds), sample.point]);
  }, [sample]);
  const known = history.data?.[range] ?? [];
  const last = known.at(-1)?.at ?? 0;
  const points = range === "minutes" ? known : [...known, ...live.filter(({ at }) => at > last)].slice(-maxSeconds);
  const times = points.map(({ at }) => at);
  const of = (name: Exclude<keyof HistoryPoint, "at">) => points.map((point) => point[name]);
  const shared = { times, theme };
  return (
    <section class="panel">
      <header>
        <h2>The recent past</h2>
        <div class="aside">
          <div class="choice" role="group" aria-label="Stretch of time">
            <button aria-pressed={range === "seconds"} onClick={() => setRange("seconds")}>
              Minutes
            </button>
            <button aria-pressed={range === "minutes"} onClick={() => setRange("minutes")}>
              Day
            </button>
          </div>
        </div>
      </header>
      <Problem error={history.error} />
      <div class="charts">
        <Chart
          {...shared}
          title="Throughput"
          format={formatRate}
          lines={[
            { label: "succeeded", color: "ok", values: of("succeeded") },
            { label: "failed", color: "bad", values: of("failed") },
          ]}
        />
        <Chart
          {...shared}
          title="Duration of an attempt"
          format={formatMs}
          lines={[
            { label: "median", color: "accent", values: of("p50") },
            { label: "95 %", color: "warn", values: of("p95") },
          ]}
        />
        <Chart
          {...shared}
          title="Jobs"
          format={formatShort}
          lines={[
            { label: "queued", color: "warn", values: of("queued") },
            { label: "running", color: "accent", values: of("running") },
          ]}
        />
        <Chart
          {...shared}
          title="Oldest waits for"
          format={formatMs}
          lines={[{ label: "age", color: "warn", values: of("oldestMs") }]}
        />
      </div>
      <p class="faint">
        Remembered by process {info.pid} on {info.host}, in its memory, since <Time at={info.watchingSince} full />.
        Where many jobs end at once, rates and durations are estimated from some of them.
      </p>
    </section>
  );
}

function Waiting({ queues }: { queues: readonly QueueCounts[] }): JSX.Element {
  if (queues.length === 0)
    return <Empty title="No queues yet">A queue is there as soon as a job is stored in it.</Empty>;
  const busiest = queues.toSorted((a, b) => b.queued + b.running - a.queued - a.running).slice(0, 8);
  return (
    <table>
      <thead>
        <tr>
          <th>Queue</th>
          <th class="number">Queued</th>
          <th class="number">Running</th>
          <th>Oldest waits since</th>
        </tr>
      </thead>
      <tbody>
        {busiest.map((queue) => (
          <tr key={queue.queue}>
            <td>
              <a href={toHref("jobs", { queue: queue.queue, status: "queued" })}>{queue.queue}</a>{" "}
              {queue.isPaused && <span class="status paused">paused</span>}
            </td>
            <td class="number" data-label="queued">
              {formatCount(queue.queued)}
            </td>
            <td class="number" data-label="running">
              {formatCount(queue.running)}
            </td>
            <td data-label="oldest">
              <Time at={queue.oldestQueuedAt} />
            </td>
          </tr>
        ))}
      </tbody>
      {queues.length > busiest.length && (
        <caption>{plural(queues.length - busiest.length, "quieter queue")} more</caption>
      )}
    </table>
  );
}

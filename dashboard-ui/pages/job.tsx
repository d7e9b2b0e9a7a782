import type { ComponentChildren, JSX } from "preact";
import type { FailedAttempt, FlowView, JobDetail, JobErrorData } from "../../src/dashboard/dashboard-types.ts";
import { formatMs, plural } from "../format.ts";
import { JobActions } from "../parts/actions.tsx";
import { Empty, JobLink, Json, Loading, Meter, Problem, Section, Status } from "../parts/bits.tsx";
import { Took } from "../parts/job-table.tsx";
import { Time } from "../parts/time.tsx";
import { toHref } from "../router.ts";
import { useData } from "../use-data.ts";

export function JobPage({ id }: { id: string }): JSX.Element {
  const {
    data: job,
    error,
    reload,
  } = useData<JobDetail>(`jobs/${encodeURIComponent(id)}`, {
    concerns: (ids) => ids.includes(id),
    atMostMs: 500,
    everyMs: 5_000,
  });
  return (
    <>
      <h1>
        <span class="faint">Job</span> {job?.task ?? id}
      </h1>
      <Problem error={error} />
      {job === undefined ? !error && <Loading /> : <Details job={job} onDone={reload} />}
    </>
  );
}

function Details({ job, onDone }: { job: JobDetail; onDone: () => void }): JSX.Element {
  const isWaiting = job.status === "scheduled" || job.status === "queued";
  const known = new Set(["requestId", "schedule", "tick", "flow"]);
  const others = Object.entries(job.meta).filter(([name]) => !known.has(name));
  return (
    <>
      <div class="bar">
        <span>
          <Status status={job.status} />{" "}
          <span class="faint">
            attempt {job.attempt} of {job.attempts}
          </span>
        </span>
        <JobActions statuses={[job.status]} ids={[job.id]} onDone={onDone} />
      </div>
      {job.error && <ErrorBox error={job.error} title="Failed with" />}
      {job.reason !== undefined && (
        <div class="notice">
          {job.status === "running" ? "Asked to stop" : job.status === "expired" ? "Expired" : "Canceled"}: {job.reason}
        </div>
      )}
      {job.progress && (
        <Section title="Progress" aside={<Time at={job.progress.at} />}>
          <div class="progress">
            <Meter value={job.progress.value} label="Progress" />
            <b>{Math.round(job.progress.value * 100)} %</b> {job.progress.note}
          </div>
        </Section>
      )}
      <div class="columns">
        <Section title="Arguments">
          <Json value={job.args} />
        </Section>
        <Section title="What is known">
          <dl>
            <Fact name="Id">
              <span class="mono select">{job.id}</span>
            </Fact>
            <Fact name="Task">
              <a href={toHref("jobs", { task: job.task })}>{job.task}</a>
            </Fact>
            <Fact name="Queue">
              <a href={toHref("jobs", { queue: job.queue })}>{job.queue}</a>, priority {job.priority}
            </Fact>
            {job.uniqueKey !== undefined && (
              <Fact name="Unique key">
                <a href={toHref("jobs", { key: job.uniqueKey })}>{job.uniqueKey}</a>
              </Fact>
            )}
            <Fact name="Stored">
              <Time at={job.storedAt} full />
            </Fact>
            {isWaiting && (
              <Fact name="Runs">
                {job.runAt === undefined ? "when those before it are done" : <Time at={job.runAt} full />}
              </Fact>
            )}
            {job.startedAt !== undefined && (
              <Fact name="Started">
                <Time at={job.startedAt} full />
              </Fact>
            )}
            {job.startedAt !== undefined && job.runAt !== undefined && job.startedAt >= job.runAt && (
              <Fact name="Waited">{formatMs(job.startedAt - job.runAt)}</Fact>
            )}
            {job.endedAt !== undefined && (
              <Fact name="Ended">
                <Time at={job.endedAt} full />
              </Fact>
            )}
            {job.startedAt !== undefined && (
              <Fact name="Took">
                <Took job={job} />
              </Fact>
            )}
            {job.timeoutMs !== undefined && <Fact name="Timeout">{formatMs(job.timeoutMs)} an attempt</Fact>}
            {job.expiresAt !== undefined && isWaiting && (
              <Fact name="Expires">
                <Time at={job.expiresAt} full />
              </Fact>
            )}
            {job.endedAt !== undefined && (
              <Fact name="Forgotten">
                <Time at={job.endedAt + job.keepMs} full />
              </Fact>
            )}
            {job.worker !== undefined && (
              <Fact name="Worker">
                <a href={toHref("workers")} class="mono">
                  {job.worker}
                </a>
                {job.deliveries > 1 && <span class="faint">, handed out {plural(job.deliveries, "time")}</span>}
              </Fact>
            )}
            {job.meta.requestId !== undefined && (
              <Fact name="Added by request">
                <span class="mono select">{job.meta.requestId}</span>
              </Fact>
            )}
            {job.meta.schedule !== undefined && (
              <Fact name="Schedule">
                <a href={toHref("schedules")}>{job.meta.schedule}</a>
                {job.meta.tick !== undefined && <span class="faint">, tick {job.meta.tick}</span>}
              </Fact>
            )}
            {others.map(([name, value]) => (
              <Fact key={name} name={name}>
                <span class="mono select">{value}</span>
              </Fact>
            ))}
          </dl>
        </Section>
      </div>
      {job.hasResult && (
        <Section title="Result">
          <Json value={job.result} />
        </Section>
      )}
      {job.flow && <Flow flow={job.flow} id={job.id} />}
      {job.failures.length > (job.error ? 1 : 0) && (
        <Section title={`Failed attempts (${job.failures.length})`}>
          {job.failures.toReversed().map((failure, index) => (
            <Attempt key={`${failure.attempt} ${failure.at}`} failure={failure} isOpen={index === 0 && !job.error} />
          ))}
        </Section>
      )}
      {job.log.length > 0 && (
        <Section title="Log">
          <pre class="code log" tabIndex={0}>
            {job.log.map(({ at, line }) => `${new Date(at).toISOString().slice(11, 23)}  ${line}`).join("\n")}
          </pre>
        </Section>
      )}
    </>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function ErrorBox({ error, title }: { error: JobErrorData; title: string }): JSX.Element {
  return (
    <Section title={title} class="bad">
      <p class="error-message">
        <b>{error.name}</b>
        {error.code !== undefined && <code> {error.code}</code>}: {error.message}
      </p>
      {error.stack ? (
        <pre class="code stack" tabIndex={0}>
          {error.stack}
        </pre>
      ) : (
        <p class="faint">No stack was stored with it.</p>
      )}
    </Section>
  );
}

function Attempt({ failure, isOpen }: { failure: FailedAttempt; isOpen: boolean }): JSX.Element {
  return (
    <details open={isOpen}>
      <summary>
        Attempt {failure.attempt}, <Time at={failure.at} />: <b>{failure.name}</b> {failure.message.slice(0, 200)}
      </summary>
      {failure.stack ? (
        <pre class="code stack" tabIndex={0}>
          {failure.stack}
        </pre>
      ) : (
        <Empty title="No stack was stored with it." />
      )}
    </details>
  );
}

/** So many of the jobs that a job waits for are named. */
const maxNamed = 6;

function Flow({ flow: { parts, isCut }, id: current }: { flow: FlowView; id: string }): JSX.Element {
  const numbers = new Map(parts.map(({ id }, index) => [id, index + 1]));
  const left = parts.filter(({ status }) => status !== "succeeded").length;
  const title = isCut ? `The last ${parts.length} jobs of its flow` : `Its flow of ${plural(parts.length, "job")}`;
  return (
    <Section title={title} aside={left > 0 && `${left} not succeeded`}>
      <table>
        <thead>
          <tr>
            <th scope="col">Part</th>
            <th scope="col">Job</th>
            <th scope="col">Task</th>
            <th scope="col">Status</th>
            <th scope="col">After</th>
          </tr>
        </thead>
        <tbody>
          {parts.map(({ id, task, status, after }, index) => (
            <tr key={id} class={id === current ? "selected" : undefined} aria-current={id === current || undefined}>
              <td data-label="part">{index + 1}</td>
              <td>
                <JobLink id={id} />
              </td>
              <td>{task ?? <span class="faint">not stored any more</span>}</td>
              <td>{status && <Status status={status} />}</td>
              <td data-label={after.length > 0 ? "after" : undefined}>{namesOf(after, numbers)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}

/** The numbers of parts, as far as there is room for them. */
function namesOf(ids: readonly string[], numbers: ReadonlyMap<string, number>): string {
  const named = ids.map((id) => numbers.get(id)).filter((number) => number !== undefined);
  const rest = ids.length - Math.min(named.length, maxNamed);
  const shown = named.slice(0, maxNamed).join(", ");
  return rest === 0 ? shown : `${shown} and ${plural(rest, "other")}`;
}

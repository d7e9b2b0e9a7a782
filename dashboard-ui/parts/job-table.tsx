import type { JSX } from "preact";
import type { JobSummary } from "../../src/dashboard/dashboard-types.ts";
import { formatMs } from "../format.ts";
import { useCan } from "../info.ts";
import { toHref } from "../router.ts";
import { JobLink, Meter, Status } from "./bits.tsx";
import { Time, useNow } from "./time.tsx";

export function JobTable(props: {
  jobs: readonly JobSummary[];
  selected: ReadonlySet<string>;
  onSelect: (ids: ReadonlySet<string>) => void;
  /** The text that was searched for, to be shown where it stands. */
  filter: string | undefined;
}): JSX.Element {
  const { jobs, selected, onSelect, filter } = props;
  const can = useCan();
  const mayChange = can.retry || can.cancel || can.remove;
  const isAll = jobs.length > 0 && jobs.every(({ id }) => selected.has(id));
  const toggle = (id: string): void => {
    const next = new Set(selected);
    if (!next.delete(id)) next.add(id);
    onSelect(next);
  };
  return (
    <table class="jobs">
      <thead>
        <tr>
          {mayChange && (
            <th class="check">
              <input
                type="checkbox"
                aria-label="Select all that are shown"
                checked={isAll}
                onChange={() => onSelect(new Set(isAll ? [] : jobs.map(({ id }) => id)))}
              />
            </th>
          )}
          <th>Task</th>
          <th>State</th>
          <th>Arguments</th>
          <th class="number">Attempt</th>
          <th>Stored</th>
          <th class="number">Took</th>
        </tr>
      </thead>
      <tbody>
        {jobs.map((job) => (
          <tr key={job.id} data-id={job.id} class={selected.has(job.id) ? "selected" : ""}>
            {mayChange && (
              <td class="check">
                <input
                  type="checkbox"
                  aria-label={`Select job ${job.id}`}
                  checked={selected.has(job.id)}
                  onChange={() => toggle(job.id)}
                />
              </td>
            )}
            <td class="task">
              <a href={toHref("job", {}, job.id)} class="row">
                {job.task}
              </a>
              <div class="faint small">
                <JobLink id={job.id} /> {job.queue !== "default" && <>in {job.queue}</>}
              </div>
            </td>
            <td>
              <Status status={job.status} />
              {job.status === "running" && job.progress !== undefined && (
                <Meter value={job.progress} label="Progress" />
              )}
              {job.status === "scheduled" && job.runAt !== undefined && (
                <div class="faint small">
                  <Time at={job.runAt} />
                </div>
              )}
            </td>
            <td class="wide">
              <code>
                <Marked text={job.args} part={filter} />
              </code>
              {job.note && (
                <div class={job.status === "failed" ? "message bad" : "message"}>
                  <Marked text={job.note} part={filter} />
                </div>
              )}
            </td>
            <td class="number" data-label="attempt">
              {job.attempt}/{job.attempts}
            </td>
            <td data-label="stored">
              <Time at={job.storedAt} />
            </td>
            <td class="number" data-label="took">
              <Took job={job} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function Took({ job }: { job: Pick<JobSummary, "startedAt" | "endedAt" | "status"> }): JSX.Element {
  const now = useNow();
  const { startedAt, endedAt, status } = job;
  const end = endedAt ?? (status === "running" ? now : undefined);
  if (startedAt === undefined || end === undefined) return <span class="faint">–</span>;
  return <>{formatMs(Math.max(0, end - startedAt))}</>;
}

function Marked({ text, part }: { text: string; part: string | undefined }): JSX.Element {
  const at = part ? text.indexOf(part) : -1;
  if (at < 0) return <>{text}</>;
  return (
    <>
      {text.slice(0, at)}
      <mark>{part}</mark>
      {text.slice(at + part!.length)}
    </>
  );
}

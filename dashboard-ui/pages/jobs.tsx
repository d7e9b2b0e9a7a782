import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { JobStatus, QueuesAnswer } from "../../src/dashboard/dashboard-types.ts";
import { plural } from "../format.ts";
import { useSample } from "../live.ts";
import { JobActions } from "../parts/actions.tsx";
import { Empty, Problem } from "../parts/bits.tsx";
import { JobTable } from "../parts/job-table.tsx";
import { go, toHref, type Params } from "../router.ts";
import { useData } from "../use-data.ts";
import { useJobList } from "../use-job-list.ts";

const statuses: readonly JobStatus[] = ["scheduled", "queued", "running", "succeeded", "failed", "canceled", "expired"];

export function Jobs({ params }: { params: Readonly<Record<string, string>> }): JSX.Element {
  const { status, queue, task, key, q, error } = params;
  const filter: Params = { status, queue, task, key, q, error };
  const list = useJobList(filter);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const sample = useSample();
  const first = useData<QueuesAnswer>("queues", { concerns: false });
  const queues = sample?.queues ?? first.data?.queues ?? [];
  const chosen = (status?.split(",") ?? statuses) as JobStatus[];
  const known = countOf(filter, chosen, queues);
  const change = (changes: Params): void => go(toHref("jobs", { ...filter, ...changes }), "replace");
  useEffect(() => setSelected(new Set()), [toHref("jobs", filter)]);
  const onDone = (): void => {
    setSelected(new Set());
    list.reload();
  };
  const hasFilter = Object.values(filter).some((value) => value);
  return (
    <>
      <h1>Jobs</h1>
      <Search filter={filter} queues={queues.map((each) => each.queue)} onChange={change} />
      <Problem error={list.error} />
      <div class="bar">
        <span class="faint" role="status">
          {list.isSearching ? (
            <>
              <span class="spinner" /> Searching… {plural(list.jobs.length, "job")} found
              {list.steps > 1 && `, ${list.steps} parts looked through`}{" "}
              <button class="link" onClick={list.stop}>
                Stop
              </button>
            </>
          ) : selected.size > 0 ? (
            `${plural(selected.size, "job")} selected`
          ) : known !== undefined ? (
            plural(known, "job")
          ) : (
            `${list.next === undefined ? "" : "at least "}${plural(list.jobs.length, "job")}`
          )}
        </span>
        {selected.size > 0 ? (
          <span class="actions">
            <JobActions
              statuses={list.jobs.filter(({ id }) => selected.has(id)).map((job) => job.status)}
              ids={[...selected]}
              onDone={onDone}
            />
            <button class="link" onClick={() => setSelected(new Set())}>
              Select none
            </button>
          </span>
        ) : (
          list.jobs.length > 0 &&
          hasFilter && <JobActions statuses={chosen} filter={filter} count={known} onDone={onDone} />
        )}
      </div>
      {list.jobs.length > 0 && (
        <section class="panel">
          <JobTable jobs={list.jobs} selected={selected} onSelect={setSelected} filter={q} />
        </section>
      )}
      {list.jobs.length === 0 &&
        !list.isSearching &&
        list.error === undefined &&
        (hasFilter ? (
          <Empty title="No such jobs">
            {list.next === undefined
              ? "Nothing that is stored matches. Jobs are forgotten some time after their end (keepResult, keepFailed). "
              : "Not among those that were looked through. "}
            <a href={toHref("jobs")}>Show all jobs</a>
          </Empty>
        ) : (
          <Empty title="No jobs yet">
            Store one: <code>await resize.enqueue("u1", 300)</code>, or <code>tasks.addTask(resize, "u1", 300)</code> in
            an endpoint.
          </Empty>
        ))}
      {list.next !== undefined && !list.isSearching && (
        <p class="more">
          <button onClick={list.more}>{list.jobs.length === 0 ? "Search on" : "Older jobs"}</button>
        </p>
      )}
    </>
  );
}

/** How many there are, where the counts of the queues say it. */
function countOf(
  { queue, task, key, q, error }: Params,
  chosen: readonly JobStatus[],
  queues: QueuesAnswer["queues"],
): number | undefined {
  if (task || key || q || error || queues.length === 0) return undefined;
  const counted = queues.filter((each) => !queue || each.queue === queue);
  return counted.reduce((total, each) => chosen.reduce((sum, status) => sum + each[status], total), 0);
}

function Search(props: {
  filter: Params;
  queues: readonly string[];
  onChange: (changes: Params) => void;
}): JSX.Element {
  const { filter, queues, onChange } = props;
  const [text, setText] = useState(filter.q ?? "");
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => setText(filter.q ?? ""), [filter.q]);
  const search = (value: string): void => {
    clearTimeout(timer.current);
    onChange({ q: value.trim() });
  };
  const chosen = filter.status?.split(",") ?? [];
  const toggle = (status: JobStatus): void =>
    onChange({
      status: statuses.filter((each) => (each === status ? !chosen.includes(each) : chosen.includes(each))).join(","),
    });
  return (
    <form
      class="search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        search(text);
      }}
    >
      <input
        type="search"
        id="search"
        name="q"
        class="grow"
        placeholder="Search arguments, errors, ids"
        aria-label="Text in arguments, error or id"
        value={text}
        onInput={({ currentTarget: { value } }) => {
          setText(value);
          clearTimeout(timer.current);
          timer.current = setTimeout(() => search(value), 400);
        }}
      />
      <input
        name="task"
        placeholder="Task"
        aria-label="Name of the task"
        value={filter.task ?? ""}
        onChange={({ currentTarget: { value } }) => onChange({ task: value.trim() })}
      />
      <input
        name="key"
        placeholder="Unique key"
        aria-label="Unique key"
        value={filter.key ?? ""}
        onChange={({ currentTarget: { value } }) => onChange({ key: value.trim() })}
      />
      <select
        name="queue"
        aria-label="Queue"
        value={filter.queue ?? ""}
        onChange={({ currentTarget: { value } }) => onChange({ queue: value })}
      >
        <option value="">All queues</option>
        {[...new Set([...queues, ...(filter.queue ? [filter.queue] : [])])].map((queue) => (
          <option key={queue} value={queue}>
            {queue}
          </option>
        ))}
      </select>
      <div class="chips" role="group" aria-label="States">
        {statuses.map((status) => (
          <button
            type="button"
            key={status}
            class={`chip ${status}`}
            aria-pressed={chosen.includes(status)}
            onClick={() => toggle(status)}
          >
            {status}
          </button>
        ))}
        {filter.error && (
          <button type="button" class="chip" aria-label="Look for any error" onClick={() => onChange({ error: "" })}>
            {filter.error} ×
          </button>
        )}
        {Object.values(filter).some((value) => value) && (
          <a class="chip clear" href={toHref("jobs")}>
            Clear
          </a>
        )}
      </div>
    </form>
  );
}

import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import type { ChangeAnswer, CountAnswer, JobStatus } from "../../src/dashboard/dashboard-types.ts";
import { messageOf, post } from "../api.ts";
import { formatCount, plural } from "../format.ts";
import { useCan, type Can } from "../info.ts";
import type { Params } from "../router.ts";
import { confirm } from "./dialog.tsx";
import { toast } from "./toasts.tsx";

export type Action = "retry" | "cancel" | "remove";

const words: Readonly<Record<Action, { verb: string; done: string; explain: string; isDangerous: boolean }>> = {
  retry: {
    verb: "Retry",
    done: "queued again",
    explain: "What is retried is queued again, with all its attempts.",
    isDangerous: false,
  },
  cancel: {
    verb: "Cancel",
    done: "canceled",
    explain: "What waits never runs; what runs is told to stop.",
    isDangerous: true,
  },
  remove: {
    verb: "Delete",
    done: "deleted",
    explain: "What is deleted is forgotten, with its result and its error. This cannot be undone.",
    isDangerous: true,
  },
};

const possible: Readonly<Record<Action, readonly JobStatus[]>> = {
  retry: ["failed", "canceled", "expired"],
  cancel: ["scheduled", "queued", "running"],
  remove: ["scheduled", "queued", "succeeded", "failed", "canceled", "expired"],
};

/** What may be done to jobs in one of some states. */
export function actionsFor(statuses: readonly JobStatus[], can: Can): readonly Action[] {
  return (["retry", "cancel", "remove"] as const).filter(
    (action) => can[action] && possible[action].some((status) => statuses.includes(status)),
  );
}

/** Up to so many are counted before one is asked whether to go on. */
const maxCounted = 10_000;

/** Buttons that do something to jobs that were chosen one by one, or to all that a search finds. */
export function JobActions(props: {
  readonly statuses: readonly JobStatus[];
  /** The jobs; or */
  readonly ids?: readonly string[];
  /** what they are found by. */
  readonly filter?: Params;
  /** How many `filter` finds, where that is known. */
  readonly count?: number | undefined;
  /** What stands on the buttons after what they do. */
  readonly suffix?: string;
  readonly onDone: () => void;
}): JSX.Element | null {
  const can = useCan();
  const [progress, setProgress] = useState<string>();
  const isStopped = useRef(false);
  const actions = actionsFor(props.statuses, can);

  const run = async (action: Action): Promise<void> => {
    const { verb, done, explain, isDangerous } = words[action];
    isStopped.current = false;
    try {
      const { ids, filter } = props;
      const counted = ids
        ? { count: ids.length, isAll: true }
        : await count(filter!, props.count, setProgress, isStopped);
      setProgress(undefined);
      if (isStopped.current) return;
      const howMany = `${counted.isAll ? "" : "at least "}${plural(counted.count, "job")}`;
      if (counted.count === 0 && counted.isAll) return toast("No such jobs any more.");
      const title = `${verb} ${howMany}?`;
      if (!(await confirm({ title, text: explain, verb: `${verb} ${howMany}`, isDangerous }))) return;
      const total = ids ? await inParts(action, ids, setProgress) : await all(action, filter!, setProgress, isStopped);
      const skipped =
        total.skipped === 0 ? "" : ` ${formatCount(total.skipped)} could not be: their state did not allow it.`;
      toast(`${plural(total.changed, "job")} ${done}${isStopped.current ? ", then stopped" : ""}.${skipped}`);
      props.onDone();
    } catch (error) {
      toast(`${verb} failed: ${messageOf(error)}`, true);
      props.onDone();
    } finally {
      setProgress(undefined);
    }
  };

  if (progress !== undefined)
    return (
      <span class="actions" role="status">
        <span class="spinner" /> {progress}
        {props.filter && <button onClick={() => (isStopped.current = true)}>Stop</button>}
      </span>
    );
  if (actions.length === 0) return null;
  return (
    <span class="actions">
      {actions.map((action) => (
        <button
          key={action}
          class={words[action].isDangerous ? "danger quiet" : ""}
          data-action={action}
          onClick={() => run(action)}
        >
          {words[action].verb}
          {props.suffix ?? (props.filter ? " all that match" : "")}
        </button>
      ))}
    </span>
  );
}

interface Stop {
  readonly current: boolean;
}

async function count(
  filter: Params,
  known: number | undefined,
  tell: (text: string) => void,
  stop: Stop,
): Promise<{ readonly count: number; readonly isAll: boolean }> {
  if (known !== undefined) return { count: known, isAll: true };
  let total = 0;
  let after: string | undefined;
  do {
    tell(`Counting… ${formatCount(total)}`);
    const answer: CountAnswer = await post("jobs/count", { filter, after });
    total += answer.count;
    after = answer.next;
  } while (after !== undefined && total < maxCounted && !stop.current);
  return { count: total, isAll: after === undefined };
}

async function inParts(
  action: Action,
  ids: readonly string[],
  tell: (text: string) => void,
): Promise<{ changed: number; skipped: number }> {
  const total = { changed: 0, skipped: 0 };
  for (let from = 0; from < ids.length; from += 500) {
    tell(`${words[action].verb}: ${formatCount(from)} of ${formatCount(ids.length)}`);
    add(total, await post(`jobs/${action}`, { ids: ids.slice(from, from + 500) }));
  }
  return total;
}

async function all(
  action: Action,
  filter: Params,
  tell: (text: string) => void,
  stop: Stop,
): Promise<{ changed: number; skipped: number }> {
  const total = { changed: 0, skipped: 0 };
  let after: string | undefined;
  do {
    tell(`${words[action].verb}: ${formatCount(total.changed)} so far. Leave this page open.`);
    const answer: ChangeAnswer = await post(`jobs/${action}`, { filter, after });
    add(total, answer);
    after = answer.next;
  } while (after !== undefined && !stop.current);
  return total;
}

function add(total: { changed: number; skipped: number }, { changed, skipped }: ChangeAnswer): void {
  total.changed += changed;
  total.skipped += skipped;
}

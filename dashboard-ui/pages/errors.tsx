import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { DeadAnswer, ErrorGroup } from "../../src/dashboard/dashboard-types.ts";
import { get, messageOf } from "../api.ts";
import { formatCount } from "../format.ts";
import { JobActions } from "../parts/actions.tsx";
import { Empty, Loading, Problem } from "../parts/bits.tsx";
import { ErrorTable } from "../parts/errors.tsx";
import { toast } from "../parts/toasts.tsx";
import { toHref } from "../router.ts";
import { useData } from "../use-data.ts";

/** What was found behind the newest. */
interface More {
  readonly groups: readonly ErrorGroup[];
  readonly examined: number;
  readonly next: string | undefined;
}

export function Errors(): JSX.Element {
  const { data, error, reload } = useData<DeadAnswer>("dead", { atMostMs: 5_000 });
  const [more, setMore] = useState<More>();
  const [isLooking, setLooking] = useState(false);
  const groups = data === undefined ? [] : merge(data.groups, more?.groups ?? []);
  const examined = (data?.examined ?? 0) + (more?.examined ?? 0);
  const next = more === undefined ? data?.next : more.next;
  const look = async (): Promise<void> => {
    setLooking(true);
    try {
      const answer = await get<DeadAnswer>(`dead?after=${encodeURIComponent(next!)}`);
      setMore({
        groups: merge(more?.groups ?? [], answer.groups),
        examined: (more?.examined ?? 0) + answer.examined,
        next: answer.next,
      });
    } catch (problem) {
      toast(messageOf(problem), true);
    }
    setLooking(false);
  };
  const onDone = (): void => {
    setMore(undefined);
    reload();
  };
  return (
    <>
      <h1>Errors</h1>
      <p class="lead">
        Jobs that failed in their last attempt, by what they failed of. When its cause is mended, they can be queued
        again.
      </p>
      <Problem error={error} />
      {data === undefined ? (
        !error && <Loading />
      ) : groups.length === 0 ? (
        <Empty title="No failed jobs">
          A job that throws is tried again as often as its task says (<code>attempts</code>). What fails in its last
          attempt is gathered here, and kept for as long as <code>keepFailed</code> says.
        </Empty>
      ) : (
        <section class="panel">
          <header>
            <p class="faint">
              {formatCount(examined)} failed jobs looked at, newest first.{" "}
              {next !== undefined && (
                <button class="link" onClick={look} disabled={isLooking}>
                  {isLooking ? "Looking…" : "Look at older ones"}
                </button>
              )}
            </p>
            <div class="aside">
              <a class="button" href={toHref("jobs", { status: "failed" })}>
                List them
              </a>{" "}
              <JobActions statuses={["failed"]} filter={{ status: "failed" }} suffix=" all" onDone={onDone} />
            </div>
          </header>
          <ErrorTable groups={groups} onDone={onDone} />
        </section>
      )}
    </>
  );
}

function merge(some: readonly ErrorGroup[], others: readonly ErrorGroup[]): readonly ErrorGroup[] {
  const groups = new Map(some.map((group) => [`${group.task} ${group.key}`, group]));
  for (const group of others) {
    const id = `${group.task} ${group.key}`;
    const known = groups.get(id);
    groups.set(
      id,
      known === undefined
        ? group
        : {
            ...known,
            count: known.count + group.count,
            firstAt: Math.min(known.firstAt ?? Infinity, group.firstAt ?? Infinity),
          },
    );
  }
  return [...groups.values()].toSorted((a, b) => b.count - a.count);
}

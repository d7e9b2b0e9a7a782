import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { JobStatus, QueueCounts, QueuesAnswer } from "../../src/dashboard/dashboard-types.ts";
import { post } from "../api.ts";
import { formatCount, formatRate } from "../format.ts";
import { useCan } from "../info.ts";
import { useSample } from "../live.ts";
import { Empty, Loading, Problem } from "../parts/bits.tsx";
import { Time } from "../parts/time.tsx";
import { tell } from "../parts/toasts.tsx";
import { toHref } from "../router.ts";
import { useData } from "../use-data.ts";

const shown: readonly JobStatus[] = ["queued", "running", "scheduled", "failed", "succeeded", "canceled", "expired"];

export function Queues(): JSX.Element {
  const can = useCan();
  const { data, error, reload } = useData<QueuesAnswer>("queues", { atMostMs: 2_000 });
  const sample = useSample();
  const answer = sample !== undefined && (data === undefined || sample.at > data.at) ? sample : data;
  const rates = useRates(answer);
  const hold = async ({ queue, isPaused }: QueueCounts): Promise<void> => {
    await tell(async () => {
      await post(`queues/${encodeURIComponent(queue)}/${isPaused ? "resume" : "pause"}`);
      return isPaused ? `Queue ${queue} goes on.` : `Queue ${queue} is held. What runs goes on; nothing new starts.`;
    });
    reload();
  };
  return (
    <>
      <h1>Queues</h1>
      <Problem error={error} />
      {answer === undefined ? (
        !error && <Loading />
      ) : answer.queues.length === 0 ? (
        <Empty title="No queues yet">
          A queue is there as soon as a job is stored in it: <code>await resize.enqueue("u1", 300)</code>, or{" "}
          <code>tasks.addTask(resize, "u1", 300)</code> in an endpoint.
        </Empty>
      ) : (
        <section class="panel">
          <table>
            <thead>
              <tr>
                <th>Queue</th>
                {shown.map((status) => (
                  <th key={status} class="number">
                    {status}
                  </th>
                ))}
                <th>Oldest waits since</th>
                <th class="number" title="How many jobs end, over the last minute at most">
                  Rate
                </th>
                {can.pause && (
                  <th>
                    <span class="hidden">Actions</span>
                  </th>
                )}
              </tr>
            </thead>
            <tbody>
              {answer.queues.map((queue) => (
                <tr key={queue.queue}>
                  <td>
                    <a href={toHref("jobs", { queue: queue.queue })}>{queue.queue}</a>{" "}
                    {queue.isPaused && <span class="status paused">paused</span>}
                  </td>
                  {shown.map((status) => (
                    <td key={status} class={queue[status] === 0 ? "number faint" : "number"} data-label={status}>
                      <a href={toHref("jobs", { queue: queue.queue, status })}>{formatCount(queue[status])}</a>
                    </td>
                  ))}
                  <td data-label="oldest">
                    <Time at={queue.oldestQueuedAt} />
                  </td>
                  <td class="number" data-label="rate">
                    {rates.has(queue.queue) ? formatRate(rates.get(queue.queue)!) : "–"}
                  </td>
                  {can.pause && (
                    <td>
                      <button
                        onClick={() => hold(queue)}
                        aria-label={`${queue.isPaused ? "Resume" : "Pause"} queue ${queue.queue}`}
                      >
                        {queue.isPaused ? "Resume" : "Pause"}
                      </button>
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

/** How many jobs of each queue end in a second, over the last minute at most, from what the page has seen itself. */
function useRates(answer: QueuesAnswer | undefined): ReadonlyMap<string, number> {
  const seen = useRef<QueuesAnswer[]>([]);
  const [rates, setRates] = useState<ReadonlyMap<string, number>>(new Map());
  useEffect(() => {
    if (answer === undefined || answer.at === seen.current.at(-1)?.at) return;
    seen.current = [...seen.current.filter(({ at }) => at > answer.at - 60_000), answer];
    const first = seen.current[0]!;
    const seconds = (answer.at - first.at) / 1_000;
    if (seconds < 0.5) return;
    const before = new Map(first.queues.map((queue) => [queue.queue, endedOf(queue)]));
    setRates(
      new Map(
        answer.queues.map((queue) => [
          queue.queue,
          Math.max(0, endedOf(queue) - (before.get(queue.queue) ?? 0)) / seconds,
        ]),
      ),
    );
  }, [answer]);
  return rates;
}

function endedOf({ succeeded, failed, canceled, expired }: QueueCounts): number {
  return succeeded + failed + canceled + expired;
}

import type { JsonObject, JsonValue } from "../../../celery/json.ts";
import { allTasks } from "../../../tasks/registry.ts";
import { definitionOf } from "../../../tasks/task-definition.ts";
import type { JobConfig } from "../../../tasks/task-options.ts";
import type { Node } from "./node.ts";

/** The reply to `stats`, with what Flower reads of it. */
export function describeStats({ parts, totals, startedAt }: Node): JsonObject {
  const { worker, mailbox, clock } = parts;
  const { hostname, userid, virtualHost, port, isSecure, transport } = mailbox.place;
  return {
    total: Object.fromEntries(totals),
    pid: worker.pid,
    clock: `${clock.value}`,
    uptime: Math.round((Date.now() - startedAt) / 1_000),
    pool: {
      implementation: "afterword",
      "max-concurrency": worker.slots,
      processes: [worker.pid],
      "max-tasks-per-child": "N/A",
      "put-guarded-by-semaphore": false,
      timeouts: [0, 0],
    },
    broker: {
      hostname,
      userid,
      virtual_host: virtualHost,
      port,
      insist: false,
      ssl: isSecure,
      transport,
      connect_timeout: 1,
      transport_options: {},
      login_method: null,
      uri_prefix: null,
      heartbeat: 0,
      failover_strategy: "round-robin",
      alternates: [],
    },
    prefetch_count: worker.slots,
    rusage: describeUsage(),
  };
}

function describeUsage(): JsonObject {
  const usage = process.resourceUsage();
  return {
    utime: usage.userCPUTime / 1e6,
    stime: usage.systemCPUTime / 1e6,
    maxrss: usage.maxRSS,
    ixrss: usage.sharedMemorySize,
    idrss: usage.unsharedDataSize,
    isrss: usage.unsharedStackSize,
    minflt: usage.minorPageFault,
    majflt: usage.majorPageFault,
    nswap: usage.swappedOut,
    inblock: usage.fsRead,
    oublock: usage.fsWrite,
    msgsnd: usage.ipcSent,
    msgrcv: usage.ipcReceived,
    nsignals: usage.signalsCount,
    nvcsw: usage.voluntaryContextSwitches,
    nivcsw: usage.involuntaryContextSwitches,
  };
}

/** The reply to `conf`: our settings by Celery's names. */
export function describeConfig({ parts, queues }: Node): JsonObject {
  const { mailbox, worker, defaultQueue } = parts;
  const { transport, hostname, port, virtualHost, isSecure } = mailbox.place;
  return {
    broker_url: `${transport}${isSecure ? "s" : ""}://${hostname}:${port}/${virtualHost}`,
    task_default_queue: defaultQueue,
    task_queues: queues,
    task_serializer: "json",
    task_acks_late: true,
    task_reject_on_worker_lost: true,
    task_track_started: true,
    worker_concurrency: worker.slots,
    worker_prefetch_multiplier: 1,
    enable_utc: true,
    timezone: "UTC",
  };
}

/** What can be asked of a task besides its name, by Celery's names of it. */
const settingsOf: Readonly<Record<string, (config: JobConfig) => string | undefined>> = {
  acks_late: () => "True",
  max_retries: ({ attempts }) => `${attempts - 1}`,
  time_limit: ({ timeoutMs }) => (timeoutMs === undefined ? undefined : `${timeoutMs / 1_000}`),
};

/** The reply to `registered`: the names of tasks, and of each the settings that were asked for, if it has them. */
export function describeTasks(settings: readonly string[]): JsonValue {
  return allTasks()
    .map((task) => definitionOf(task))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    .map(({ name, config }) => {
      const known = settings.flatMap((setting) => {
        const value = Object.hasOwn(settingsOf, setting) ? settingsOf[setting]!(config) : undefined;
        return value === undefined ? [] : [`${setting}=${value}`];
      });
      return known.length === 0 ? name : `${name} [${known.join(" ")}]`;
    });
}

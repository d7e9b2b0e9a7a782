/**
 * `afterword/otel`: background tasks and jobs as OpenTelemetry's spans and metrics.
 *
 * @packageDocumentation
 */
import { metrics, trace, type MeterProvider, type TracerProvider } from "@opentelemetry/api";
import { DeclarationError } from "../../internal/afterword-error.ts";
import { formatValue } from "../../internal/format-value.ts";
import { openBrokers } from "../../tasks/shared-broker.ts";
import { recordActivity } from "../record-activity.ts";
import { recordEventLoop } from "../record-event-loop.ts";
import { recordQueues } from "../record-queues.ts";
import { traceJobs } from "./job-spans.ts";
import { traceTasks } from "./task-spans.ts";

/** What {@link instrument} takes. */
export interface InstrumentOptions {
  /** Makes the spans. @defaultValue the one that is registered with the OpenTelemetry API */
  readonly tracerProvider?: TracerProvider;
  /** Makes the instruments. @defaultValue the one that is registered with the OpenTelemetry API */
  readonly meterProvider?: MeterProvider;
  /**
   * Where the attempts of a job stand. Both have a link to the place where the job was added.
   *
   * - `"continue"`: in the trace of the request that added it, so that one trace shows it all and is sampled as one.
   * - `"link"`: each in a trace of its own.
   *
   * @defaultValue `"continue"`
   */
  readonly jobTraces?: "continue" | "link";
  /**
   * What stands in the names of the spans of jobs: `process default`, as the conventions of messaging want it, or
   * `process resize`.
   *
   * @defaultValue `"queue"`
   */
  readonly spanNames?: "queue" | "task";
  /**
   * Whether the depth and age of queues are measured. All processes tell the same, so one of them is enough.
   *
   * @defaultValue true
   */
  readonly queues?: boolean;
  /** Whether the delay of the event loop is measured. @defaultValue true */
  readonly eventLoop?: boolean;
}

/** What {@link instrument} returns. */
export interface Instrumentation extends Disposable {
  /** Makes no spans and measures nothing any more. Calls after the first do nothing. */
  stop(): void;
}

const jobTraces: readonly unknown[] = ["continue", "link"];
const spanNames: readonly unknown[] = ["queue", "task"];
const flags = ["queues", "eventLoop"] as const;
const known: ReadonlySet<string> = new Set(["tracerProvider", "meterProvider", "jobTraces", "spanNames", ...flags]);

let current: Instrumentation | undefined;

/**
 * Turns what happens to background tasks and jobs in this process into OpenTelemetry's spans and metrics, by its conventions of
 * messaging, and sends the trace along with each job. To be called once, when the program starts, after the SDK was
 * started; another call takes the place of the one before.
 *
 * @throws {DeclarationError} for an unknown option or a wrong value
 *
 * @example
 * ```ts
 * import { instrument } from "afterword/otel";
 * import { metrics, trace } from "@opentelemetry/api";
 *
 * instrument({ tracerProvider: trace.getTracerProvider(), meterProvider: metrics.getMeterProvider() });
 * ```
 */
export function instrument(options: InstrumentOptions = {}): Instrumentation {
  check(options);
  current?.stop();
  const tracer = (options.tracerProvider ?? trace.getTracerProvider()).getTracer("afterword");
  const meter = (options.meterProvider ?? metrics.getMeterProvider()).getMeter("afterword");
  const stops = [
    traceTasks(tracer),
    traceJobs({
      tracer,
      continuesTraces: options.jobTraces !== "link",
      target: options.spanNames ?? "queue",
    }),
    recordActivity(meter),
    ...(options.queues === false ? [] : [recordQueues(meter, openBrokers)]),
    ...(options.eventLoop === false ? [] : [recordEventLoop(meter)]),
  ];
  const stop = (): void => {
    for (const end of stops.splice(0)) end();
  };
  return (current = { stop, [Symbol.dispose]: stop });
}

function check(options: InstrumentOptions): void {
  if (typeof options !== "object" || options === null)
    throw new DeclarationError(`instrument() expects { ${[...known].join(", ")} }, but got ${formatValue(options)}.`);
  for (const name of Object.keys(options))
    if (!known.has(name))
      throw new DeclarationError(
        `instrument() has no option ${JSON.stringify(name)}. It has ${[...known].join(", ")}.`,
      );
  assertMethod("tracerProvider", options.tracerProvider, "getTracer");
  assertMethod("meterProvider", options.meterProvider, "getMeter");
  assertOneOf("jobTraces", options.jobTraces, jobTraces);
  assertOneOf("spanNames", options.spanNames, spanNames);
  for (const flag of flags) assertOneOf(flag, options[flag], [true, false]);
}

function assertMethod(option: string, provider: unknown, method: string): void {
  if (provider === undefined || typeof (provider as Record<string, unknown> | null)?.[method] === "function") return;
  throw new DeclarationError(
    `instrument(): ${option} must be a provider of OpenTelemetry's, with ${method}(), but got ${formatValue(provider)}.`,
  );
}

function assertOneOf(option: string, value: unknown, values: readonly unknown[]): void {
  if (value === undefined || values.includes(value)) return;
  throw new DeclarationError(
    `instrument(): ${option} must be ${values.map((each) => JSON.stringify(each)).join(" or ")}, but got ${formatValue(value)}.`,
  );
}

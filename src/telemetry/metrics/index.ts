/**
 * `afterword/metrics`: a page for Prometheus, without a collector.
 *
 * @packageDocumentation
 */
import { DeclarationError } from "../../internal/afterword-error.ts";
import { formatValue } from "../../internal/format-value.ts";
import type { Broker } from "../../tasks/broker.ts";
import { assertBroker, openBrokers } from "../../tasks/shared-broker.ts";
import { recordActivity } from "../record-activity.ts";
import { recordEventLoop } from "../record-event-loop.ts";
import { recordQueues } from "../record-queues.ts";
import { contentType } from "./text-format.ts";
import { TextMeter } from "./text-meter.ts";

/** What {@link metricsPage} takes. */
export interface MetricsPageOptions {
  /** Whose queues are shown, while it is open in this process. @defaultValue all that are open in this process */
  readonly broker?: Broker;
  /** Whether the depth and age of queues are shown. All processes show the same. @defaultValue true */
  readonly queues?: boolean;
  /** Whether the delay of the event loop is shown. @defaultValue true */
  readonly eventLoop?: boolean;
}

/** A handler that answers with the metrics of this process. */
export interface MetricsPage {
  (): Promise<Response>;
  /** The media type of {@link text}, for other frameworks. */
  readonly contentType: string;
  /** The page in Prometheus' text format 0.0.4. */
  text(): Promise<string>;
  /** Counts nothing any more. */
  stop(): void;
}

const known = ["broker", "queues", "eventLoop"];

/**
 * A handler that shows Prometheus what happens to background tasks and jobs: those of this process since this was called, and the
 * queues of its brokers. The names are those that OpenTelemetry's metrics have in Prometheus.
 *
 * However often it is asked, a broker is asked for the lengths of its queues only so seldom that it spends 1 % of its time on it.
 *
 * @throws {DeclarationError} for an unknown option or a wrong value
 *
 * @example
 * ```ts
 * import { App } from "afterword";
 * import { metricsPage } from "afterword/metrics";
 *
 * const app = new App();
 * app.get("/metrics", { includeInSchema: false }, {}, metricsPage());
 * ```
 */
export function metricsPage(options: MetricsPageOptions = {}): MetricsPage {
  check(options);
  const { broker } = options;
  const meter = new TextMeter();
  const brokers = (): readonly Broker[] =>
    broker === undefined ? openBrokers() : openBrokers().filter((each) => each === broker);
  const stops = [
    recordActivity(meter),
    ...(options.queues === false ? [] : [recordQueues(meter, brokers)]),
    ...(options.eventLoop === false ? [] : [recordEventLoop(meter)]),
  ];
  const text = (): Promise<string> => meter.format();
  const page = async (): Promise<Response> =>
    new Response(await text(), { headers: { "content-type": contentType, "cache-control": "no-store" } });
  return Object.assign(page, {
    contentType,
    text,
    stop: () => {
      for (const stop of stops.splice(0)) stop();
    },
  });
}

function check(options: MetricsPageOptions): void {
  if (typeof options !== "object" || options === null)
    throw new DeclarationError(`metricsPage() expects { ${known.join(", ")} }, but got ${formatValue(options)}.`);
  for (const name of Object.keys(options))
    if (!known.includes(name))
      throw new DeclarationError(`metricsPage() has no option ${JSON.stringify(name)}. It has ${known.join(", ")}.`);
  if (options.broker !== undefined) assertBroker(options.broker, "metricsPage(): broker");
  for (const flag of ["queues", "eventLoop"] as const)
    if (options[flag] !== undefined && typeof options[flag] !== "boolean")
      throw new DeclarationError(
        `metricsPage(): ${flag} must be true or false, but got ${formatValue(options[flag])}.`,
      );
}

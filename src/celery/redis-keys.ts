/** What kombu puts between the parts of a key. */
const separator = "\u0006\u0016";

/** The steps of priority that have a list of their own, the first to run first. */
const steps = [0, 3, 6, 9] as const;

/**
 * The list of a queue for messages of a priority; that of the first step is named as the queue itself.
 *
 * @param priority - from 0, which runs first, to 9, as Redis counts: see {@link toRedisPriority}
 */
export function queueKey(queue: string, priority: number = 0): string {
  const step = steps.findLast((step) => step <= priority) ?? 0;
  return step === 0 ? queue : `${queue}${separator}${step}`;
}

/** All lists of a queue, the first to run first. */
export function queueKeys(queue: string): readonly string[] {
  return steps.map((step) => queueKey(queue, step));
}

/** The set of the queues that an exchange delivers to. */
export function bindingKey(exchange: string): string {
  return `_kombu.binding.${exchange}`;
}

/** The member of that set for a queue. */
export function bindingMember(routingKey: string, queue: string): string {
  return [routingKey, "", queue].join(separator);
}

/** What a member says; `undefined` for one that is none. */
export function parseBindingMember(
  member: string,
): { readonly routingKey: string; readonly pattern: string; readonly queue: string } | undefined {
  const [routingKey, pattern, queue, ...rest] = member.split(separator);
  return routingKey === undefined || pattern === undefined || queue === undefined || rest.length > 0
    ? undefined
    : { routingKey, pattern, queue };
}

/** The channel that a fanout or topic exchange publishes in. */
export function fanoutChannel(database: number, exchange: string, routingKey: string = ""): string {
  return routingKey === "" ? `/${database}.${exchange}` : `/${database}.${exchange}/${routingKey}`;
}

/** Messages that were handed out: a hash of {@link encodeUnacked} by delivery tag. */
export const unackedKey = "unacked";

/** Their tags by the instant when they were handed out, in seconds since the Unix epoch. */
export const unackedIndexKey = "unacked_index";

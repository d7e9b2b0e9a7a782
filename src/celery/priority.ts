/** Ours by Redis's, for each from 0 to 9. */
const redisPriorities = [9, 6, 6, 3, 3, 0, 0, 0, 0, 0] as const;

/**
 * A priority as Celery counts on Redis, where 0 runs first, in the steps 0, 3, 6 and 9.
 *
 * What is sent without a priority has 0 there: nothing runs before it. So our default, 5, becomes 0, and what is above it too.
 *
 * @param priority - from 0 to 9, of which the higher runs first; 5 is the default
 */
export function toRedisPriority(priority: number): number {
  return redisPriorities[clamp(priority)]!;
}

/** A priority of ours for one of Redis's; the default for what has none. */
export function fromRedisPriority(priority: number | undefined): number {
  const step = Math.floor(clamp(priority ?? 0) / 3);
  return [5, 4, 2, 0][step]!;
}

/**
 * A priority as RabbitMQ counts, where 9 runs first, as ours. What is sent without one counts as 0 there, also by Celery's
 * senders, unless they have set `task_default_priority`.
 */
export function toAmqpPriority(priority: number): number {
  return clamp(priority);
}

/** A priority of ours for one of AMQP's; 0 for what has none. */
export function fromAmqpPriority(priority: number | undefined): number {
  return clamp(priority ?? 0);
}

function clamp(priority: number): number {
  return Math.min(9, Math.max(0, Math.round(priority)));
}

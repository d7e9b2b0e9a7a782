import type { Tables } from "./options.ts";

/** The version of pg-boss's schema that the statements here were written for, which is that of pg-boss 12.38. */
export const bossVersion = 46;

/**
 * What pg-boss lacks. Each step is done once, in order, and the number of those that were done is kept in `meta`. Steps are
 * never changed, only added. The tables are explained in docs/internals/postgres.md.
 */
export function migrations({ own }: Tables): readonly string[] {
  return [
    `
    -- Which queues of pg-boss are ours, and what they stand for.
    CREATE TABLE ${own}.queues (
      name text PRIMARY KEY,
      queue text NOT NULL,
      task text
    );
    CREATE TABLE ${own}.paused (queue text PRIMARY KEY);

    -- What jobs that are not final have as their unique key.
    CREATE TABLE ${own}.keys (
      task text NOT NULL,
      key text NOT NULL,
      job uuid NOT NULL,
      PRIMARY KEY (task, key)
    );
    CREATE INDEX keys_job ON ${own}.keys (job);

    -- Jobs that expire unless they are started.
    CREATE TABLE ${own}.expiring (
      job uuid PRIMARY KEY,
      at timestamptz NOT NULL
    );
    CREATE INDEX expiring_at ON ${own}.expiring (at);

    -- Which job waits for which, and with what result that one has succeeded.
    CREATE TABLE ${own}.parts (
      job uuid NOT NULL,
      part uuid NOT NULL,
      result text,
      PRIMARY KEY (job, part)
    );
    CREATE INDEX parts_part ON ${own}.parts (part);

    -- What few jobs have: failed attempts, progress, a log.
    CREATE TABLE ${own}.notes (
      job uuid PRIMARY KEY,
      failures text,
      progress text,
      log text
    );

    -- The limits of tasks, and when their last jobs were started.
    CREATE TABLE ${own}.limits (
      task text PRIMARY KEY,
      max_running integer,
      rate_limit integer,
      rate_ms float8
    );
    CREATE TABLE ${own}.starts (
      task text NOT NULL,
      at timestamptz NOT NULL
    );
    CREATE INDEX starts_task ON ${own}.starts (task, at);

    CREATE TABLE ${own}.schedules (
      name text PRIMARY KEY,
      cron text NOT NULL,
      timezone text NOT NULL,
      task text NOT NULL,
      last_tick_at float8,
      last_job text,
      created_at timestamptz NOT NULL DEFAULT now(),
      is_paused boolean NOT NULL DEFAULT false
    );

    CREATE TABLE ${own}.workers (
      id text PRIMARY KEY,
      host text NOT NULL,
      pid integer NOT NULL,
      queues jsonb NOT NULL,
      slots integer NOT NULL,
      running integer NOT NULL,
      started_at timestamptz NOT NULL,
      seen_at timestamptz NOT NULL,
      lease_ms float8 NOT NULL
    );
    `,
  ];
}

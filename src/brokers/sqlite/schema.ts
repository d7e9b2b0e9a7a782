/**
 * How the tables came to be as they are: each step is done once, in order, and the number of those that were done stands in
 * `afterword_schema`. Steps are never changed, only added. The tables are explained in docs/internals/sqlite.md.
 *
 * Their names begin with `afterword_`, because the file may be the user's own database.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE afterword_schema (version INTEGER NOT NULL) STRICT;
  INSERT INTO afterword_schema VALUES (0);

  -- Jobs that have not ended. \`place\` is the order of storing.
  CREATE TABLE afterword_jobs (
    place INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    task TEXT NOT NULL,
    queue TEXT NOT NULL,
    lane TEXT NOT NULL,
    state TEXT NOT NULL,
    priority INTEGER NOT NULL,
    args TEXT NOT NULL,
    settings TEXT NOT NULL,
    meta TEXT NOT NULL,
    unique_key TEXT,
    is_part INTEGER NOT NULL DEFAULT 0,
    attempt INTEGER NOT NULL DEFAULT 0,
    deliveries INTEGER NOT NULL DEFAULT 0,
    epoch INTEGER NOT NULL DEFAULT 0,
    stored_at INTEGER NOT NULL,
    run_at INTEGER,
    expires_at INTEGER,
    started_at INTEGER,
    lease_until INTEGER,
    worker TEXT,
    reason TEXT,
    failures TEXT,
    progress TEXT,
    log TEXT
  ) STRICT;
  CREATE INDEX afterword_jobs_ready ON afterword_jobs (queue, lane, priority DESC, place, run_at) WHERE state = 'queued';
  CREATE INDEX afterword_jobs_due ON afterword_jobs (run_at) WHERE state = 'scheduled';
  CREATE INDEX afterword_jobs_scheduled ON afterword_jobs (id) WHERE state = 'scheduled';
  CREATE INDEX afterword_jobs_running ON afterword_jobs (lease_until) WHERE state = 'running';
  CREATE INDEX afterword_jobs_running_lane ON afterword_jobs (lane) WHERE state = 'running' AND lane <> '';
  CREATE INDEX afterword_jobs_expiring ON afterword_jobs (expires_at) WHERE expires_at IS NOT NULL AND epoch = 0;
  CREATE UNIQUE INDEX afterword_jobs_unique ON afterword_jobs (unique_key, task) WHERE unique_key IS NOT NULL;

  -- Jobs that have ended, until they are forgotten.
  CREATE TABLE afterword_ended (
    place INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    task TEXT NOT NULL,
    queue TEXT NOT NULL,
    state TEXT NOT NULL,
    priority INTEGER NOT NULL,
    args TEXT NOT NULL,
    settings TEXT NOT NULL,
    meta TEXT NOT NULL,
    unique_key TEXT,
    failed_by_part INTEGER NOT NULL DEFAULT 0,
    attempt INTEGER NOT NULL,
    deliveries INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    stored_at INTEGER NOT NULL,
    run_at INTEGER,
    expires_at INTEGER,
    started_at INTEGER,
    ended_at INTEGER NOT NULL,
    forget_at INTEGER NOT NULL,
    worker TEXT,
    reason TEXT,
    result TEXT,
    error TEXT,
    failures TEXT,
    progress TEXT,
    log TEXT
  ) STRICT;
  CREATE INDEX afterword_ended_forget ON afterword_ended (forget_at);
  CREATE INDEX afterword_ended_others ON afterword_ended (state, id) WHERE state <> 'succeeded';
  CREATE INDEX afterword_ended_unique ON afterword_ended (unique_key) WHERE unique_key IS NOT NULL;

  -- Which job waits for which, and with what result that one has succeeded.
  CREATE TABLE afterword_parts (
    job TEXT NOT NULL,
    part TEXT NOT NULL,
    result TEXT,
    PRIMARY KEY (job, part)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX afterword_parts_part ON afterword_parts (part);
  CREATE INDEX afterword_parts_open ON afterword_parts (job) WHERE result IS NULL;

  -- The limits of tasks, and when their last jobs were started.
  CREATE TABLE afterword_lanes (
    lane TEXT PRIMARY KEY,
    max_running INTEGER,
    rate_limit INTEGER,
    rate_ms INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE afterword_starts (lane TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
  CREATE INDEX afterword_starts_lane ON afterword_starts (lane, at);

  -- How many jobs there are.
  CREATE TABLE afterword_tallies (
    queue TEXT NOT NULL,
    state TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (queue, state)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE afterword_paused (queue TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

  CREATE TABLE afterword_schedules (
    name TEXT PRIMARY KEY,
    cron TEXT NOT NULL,
    timezone TEXT NOT NULL,
    task TEXT NOT NULL,
    last_tick_at INTEGER,
    last_job TEXT,
    created_at INTEGER NOT NULL,
    is_paused INTEGER NOT NULL DEFAULT 0
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE afterword_workers (
    id TEXT PRIMARY KEY,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    queues TEXT NOT NULL,
    slots INTEGER NOT NULL,
    running INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    lease_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
];

/** Stands in the header of the file: "Aftw". A file of another application is not touched. */
export const applicationId = 0x41667477;

/**
 * How the file came to be as it is: each step is done once, in order, and the number of those that were done is the
 * file's `user_version`. Steps are never changed, only added. The tables are explained in docs/internals/sqlite.md.
 */
export const migrations: readonly string[] = [
  `
  -- Jobs that have not ended. \`place\` is the order of storing.
  CREATE TABLE jobs (
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
  CREATE INDEX jobs_ready ON jobs (queue, lane, priority DESC, place, run_at) WHERE state = 'queued';
  CREATE INDEX jobs_due ON jobs (run_at) WHERE state = 'scheduled';
  CREATE INDEX jobs_scheduled ON jobs (id) WHERE state = 'scheduled';
  CREATE INDEX jobs_running ON jobs (lease_until) WHERE state = 'running';
  CREATE INDEX jobs_running_lane ON jobs (lane) WHERE state = 'running' AND lane <> '';
  CREATE INDEX jobs_expiring ON jobs (expires_at) WHERE expires_at IS NOT NULL AND epoch = 0;
  CREATE UNIQUE INDEX jobs_unique ON jobs (unique_key, task) WHERE unique_key IS NOT NULL;

  -- Jobs that have ended, until they are forgotten.
  CREATE TABLE ended (
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
  CREATE INDEX ended_forget ON ended (forget_at);
  CREATE INDEX ended_others ON ended (state, id) WHERE state <> 'succeeded';
  CREATE INDEX ended_unique ON ended (unique_key) WHERE unique_key IS NOT NULL;

  -- Which job waits for which, and with what result that one has succeeded.
  CREATE TABLE parts (
    job TEXT NOT NULL,
    part TEXT NOT NULL,
    result TEXT,
    PRIMARY KEY (job, part)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX parts_part ON parts (part);
  CREATE INDEX parts_open ON parts (job) WHERE result IS NULL;

  -- The limits of tasks, and when their last jobs were started.
  CREATE TABLE lanes (
    lane TEXT PRIMARY KEY,
    max_running INTEGER,
    rate_limit INTEGER,
    rate_ms INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE starts (lane TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
  CREATE INDEX starts_lane ON starts (lane, at);

  -- How many jobs there are.
  CREATE TABLE tallies (
    queue TEXT NOT NULL,
    state TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (queue, state)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE paused (queue TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

  CREATE TABLE schedules (
    name TEXT PRIMARY KEY,
    cron TEXT NOT NULL,
    timezone TEXT NOT NULL,
    task TEXT NOT NULL,
    last_tick_at INTEGER,
    last_job TEXT,
    created_at INTEGER NOT NULL,
    is_paused INTEGER NOT NULL DEFAULT 0
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE workers (
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

import type { Question } from "./lib/question.ts";

/** Every benchmark, loaded when it is asked. */
export const questions: readonly { name: string; asks: string; load: () => Promise<Question> }[] = [
  {
    name: "http",
    asks: "What does an endpoint with background tasks cost, beside other servers? (P1, P2)",
    load: () => import("./http.ts"),
  },
  {
    name: "background",
    asks: "What does a background task cost over awaiting its function, and while it waits? (P3)",
    load: () => import("./background.ts"),
  },
  {
    name: "sqlite",
    asks: "How near does the SQLite broker come to its bare statements, and how soon does a job start? (P5, P8)",
    load: () => import("./sqlite.ts"),
  },
  {
    name: "redis",
    asks: "How near does the Redis broker come to BullMQ, how far is Celery, and how soon do jobs run? (P6, P8, P9)",
    load: () => import("./redis.ts"),
  },
  {
    name: "postgres",
    asks: "How near does the PostgreSQL broker come to pg-boss, and how soon do jobs run? (P6, P8, P9)",
    load: () => import("./postgres.ts"),
  },
  {
    name: "rabbitmq",
    asks: "How near does the RabbitMQ broker come to bare messages, how far is Celery, and how soon do jobs run? (P6, P8, P9)",
    load: () => import("./rabbitmq.ts"),
  },
  {
    name: "celery",
    asks: "How fast does a worker run Celery's messages, beside Celery's own workers on the same queue? (P7)",
    load: () => import("./celery.ts"),
  },
  {
    name: "dashboard",
    asks: "With 100,000 jobs, how long does a page of the dashboard take, and what does an open one cost the broker?",
    load: () => import("./dashboard.ts"),
  },
  {
    name: "promise",
    asks: "What does an answer cost that waits until the task is safe, and how soon does a killed worker's job run again? (P4, P9)",
    load: () => import("./promise.ts"),
  },
  {
    name: "threads",
    asks: "How long do other requests take while a task computes, on the event loop and in a thread? (P10)",
    load: () => import("./threads.ts"),
  },
  {
    name: "start",
    asks: "How long does a process take from nothing to its first answer, beside other servers? (P11)",
    load: () => import("./start.ts"),
  },
  {
    name: "dependencies",
    asks: "Does a request cost more the deeper its dependencies are? (P8)",
    load: () => import("./dependencies.ts"),
  },
  {
    name: "memory",
    asks: "Is the memory of a server flat over a million requests? (P8)",
    load: () => import("./memory.ts"),
  },
  {
    name: "routes",
    asks: "Does a request cost more in an app of 5,000 routes than in one of 10, and what do the routes cost? (P8)",
    load: () => import("./routes.ts"),
  },
  {
    name: "adapters",
    asks: "What does an adapter add to a request of another framework, used and not used? (P12)",
    load: () => import("./adapters.ts"),
  },
];

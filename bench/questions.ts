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
    name: "promise",
    asks: "What does an answer cost that waits until the task is safe, and how soon does a killed worker's job run again? (P4, P9)",
    load: () => import("./promise.ts"),
  },
];

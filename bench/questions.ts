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
];

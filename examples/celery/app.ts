// The TypeScript half of a shop. README.md beside this file says how to start both halves.
//
//   afterword worker app.ts
//   afterword run app.ts
//   curl -X POST "http://127.0.0.1:8000/orders/17?customer=Ada"
import { accepted, App, BackgroundTasks, path, query, remoteTask, task, taskRoutes } from "afterword";
import * as z from "zod";

/** Runs in Python: its name and its queue there, and the types that the compiler checks here. */
const invoice = remoteTask<[order: number, customer: string], string>("shop.invoice", { queue: "celery" });

/** Runs here, whether Python or TypeScript calls it. */
export const thumbnail = task("shop.thumbnail", { queue: "images" }, async (file: string, width: number) => {
  console.log(`${file} becomes ${width} pixels wide`);
  return `${width}-${file}`;
});

// No broker here: AFTERWORD_BROKER names it, celery+redis://127.0.0.1:6379/0 for instance.
const app = new App({ title: "Shop" });

app.include(taskRoutes()); // GET /tasks/:id, wherever the task runs

app.post(
  "/orders/:order",
  { order: path(z.int()), customer: query(z.string()), tasks: BackgroundTasks },
  ({ order, customer, tasks }) => accepted(tasks.addTask(invoice, order, customer)),
);

export default app;

import { App, memory, remoteTask, task, Worker, type Task, type ThreadOptions } from "afterword";
import { expectTypeOf, test } from "vitest";

test("the option thread changes nothing of a task's type", () => {
  const hash = task("types.hash", { thread: import.meta.url }, (password: string, rounds: number) => ({
    password,
    rounds,
  }));
  expectTypeOf(hash).toEqualTypeOf<Task<[password: string, rounds: number], { password: string; rounds: number }>>();
  expectTypeOf(task("types.hash-2", { thread: new URL(import.meta.url) }, () => 1)).toEqualTypeOf<Task<[], number>>();
});

test("it belongs to the definition of a task that is here", () => {
  const wrong = () => {
    // @ts-expect-error: a thread is not chosen for one job
    task("types.with", () => {}).with({ thread: import.meta.url });
    // @ts-expect-error: its function is in another program
    remoteTask("types.remote", { thread: import.meta.url });
  };
  expectTypeOf(wrong).toBeFunction();
});

test("workers and apps take options of their threads", () => {
  const threads: ThreadOptions = {
    max: 4,
    idleTimeout: "1m",
    grace: 500,
    resourceLimits: { maxOldGenerationSizeMb: 256 },
  };
  const made = () => [new Worker({ broker: memory(), threads }), new App({ worker: { threads } })];
  expectTypeOf(made).toBeFunction();
  // @ts-expect-error: it is called max
  expectTypeOf<ThreadOptions>().toHaveProperty("size");
});

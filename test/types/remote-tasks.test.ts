import {
  App,
  BackgroundTasks,
  chain,
  chord,
  group,
  remoteTask,
  type Call,
  type Flow,
  type JobHandle,
  type RemoteTask,
  type Task,
} from "afterword";
import { expectTypeOf, test } from "vitest";

const add = remoteTask<[a: number, b: number], number>("types.proj.add", { queue: "calculations" });
const scale = remoteTask<[image: string], { file: string }, { width: number; note?: string }>("types.proj.scale");
const sum = remoteTask<[numbers: number[]], number>("types.proj.sum");

/** Only compiled: nothing here is called. */
const tasks = (): BackgroundTasks => new BackgroundTasks();

test("a remote task is a task whose arguments and result were given", () => {
  expectTypeOf(add).toEqualTypeOf<RemoteTask<[a: number, b: number], number>>();
  expectTypeOf(add).toExtend<Task<[a: number, b: number], number>>();
  expectTypeOf(add.enqueue).parameters.toEqualTypeOf<[a: number, b: number]>();
  expectTypeOf(add.enqueue).returns.toEqualTypeOf<Promise<JobHandle<number>>>();
  expectTypeOf(remoteTask("types.proj.any").enqueue).parameters.toEqualTypeOf<unknown[]>();
});

test("addTask, flows and schedules take it", () => {
  const use = () => {
    expectTypeOf(tasks().addTask(add, 1, 2)).toEqualTypeOf<JobHandle<number>>();
    expectTypeOf(tasks().addTask(scale.with({ kwargs: { width: 300 } }), "cat.jpg")).toEqualTypeOf<
      JobHandle<{ file: string }>
    >();
    new App().schedule("nightly", "0 3 * * *", add, [1, 2]);
    // @ts-expect-error: the second argument is missing
    tasks().addTask(add, 1);
    // @ts-expect-error: the arguments are numbers
    new App().schedule("nightly", "0 3 * * *", add, ["1", "2"]);
  };
  expectTypeOf(use).toBeFunction();
  expectTypeOf(add.call(1, 2)).toEqualTypeOf<Call<number, unknown>>();
  expectTypeOf(chain(add.call(1, 2), add.withResult(3))).toEqualTypeOf<Flow<number>>();
  expectTypeOf(group(add.call(1, 2), scale.call("cat.jpg"))).toEqualTypeOf<Flow<[number, { file: string }]>>();
  expectTypeOf(chord([add.call(1, 2), add.call(3, 4)], sum.withResult())).toEqualTypeOf<Flow<number>>();
  const wrong = () => {
    // @ts-expect-error: scale takes a text, and add results in a number
    chain(add.call(1, 2), scale.withResult());
  };
  expectTypeOf(wrong).toBeFunction();
});

test("with() knows the keyword arguments, and keeps the types", () => {
  const narrow = () => scale.with({ priority: 9 }).with({ kwargs: { width: 300 } });
  expectTypeOf(narrow).returns.toEqualTypeOf<typeof scale>();
  const wrong = () => {
    // @ts-expect-error: the width is a number
    scale.with({ kwargs: { width: "300" } });
    // @ts-expect-error: there is no keyword argument of that name
    scale.with({ kwargs: { width: 300, height: 200 } });
    // @ts-expect-error: nobody has said that it takes keyword arguments
    add.with({ kwargs: { width: 300 } });
    // @ts-expect-error: there is no option of that name
    add.with({ retries: 3 });
  };
  expectTypeOf(wrong).toBeFunction();
});

test("options are those of a task, without what only the other program can do", () => {
  remoteTask<[order: string], void>("types.proj.charge", { uniqueKey: (order) => order, maxRunning: 2 });
  const wrong = () => {
    // @ts-expect-error: the order is text
    remoteTask<[order: string], void>("types.proj.charge", { uniqueKey: (order: number) => String(order) });
    // @ts-expect-error: whether to try again is asked where it runs
    remoteTask("types.proj.charge", { retryIf: () => true });
    // @ts-expect-error: the function is in the other program
    remoteTask("types.proj.charge", async () => {});
  };
  expectTypeOf(wrong).toBeFunction();
});

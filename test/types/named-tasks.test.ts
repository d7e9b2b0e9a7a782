import {
  BackgroundTasks,
  chain,
  chord,
  dependency,
  group,
  task,
  type Call,
  type Flow,
  type JobHandle,
  type Task,
  type TaskHandle,
} from "afterword";
import { expectTypeOf, test } from "vitest";

const resize = task("types.resize", { attempts: 2 }, async (id: string, width: number) => ({ file: `${id}-${width}` }));
const publish = task("types.publish", (image: { file: string }, target: string) => `${target}/${image.file}`);
const zip = task("types.zip", async (images: readonly { file: string }[]) => images.length);
const clean = task("types.clean", async () => {});

/** Only compiled: nothing here is called. */
const tasks = (): BackgroundTasks => new BackgroundTasks();

test("a task remembers arguments and result, a promise's unwrapped", () => {
  expectTypeOf(resize).toEqualTypeOf<Task<[id: string, width: number], { file: string }>>();
  expectTypeOf(publish).toEqualTypeOf<Task<[image: { file: string }, target: string], string>>();
  expectTypeOf(clean).toEqualTypeOf<Task<[], void>>();
  const called = () => resize("a", 1);
  expectTypeOf(called).returns.resolves.toEqualTypeOf<{ file: string }>();
});

test("addTask gives the handle of a job for a task, and that of a task for a plain function", () => {
  const add = () => {
    const list = tasks();
    expectTypeOf(list.addTask(resize, "a", 1)).toEqualTypeOf<JobHandle<{ file: string }>>();
    expectTypeOf(list.addTask(publish, { file: "a" }, "cdn")).toEqualTypeOf<JobHandle<string>>();
    expectTypeOf(list.addTask(clean)).toEqualTypeOf<JobHandle<void>>();
    expectTypeOf(list.addTask(async (id: string) => id.length, "a")).toEqualTypeOf<TaskHandle<number>>();
    expectTypeOf(list.addTask(chain(resize.call("a", 1), publish.withResult("cdn")))).toEqualTypeOf<
      JobHandle<string>
    >();
    expectTypeOf(list.addTask(resize, "a", 1).result()).toEqualTypeOf<Promise<{ file: string }>>();
    expectTypeOf(list.with({ when: "always" }).addTask(resize.with({ delay: "5m" }), "a", 1)).toEqualTypeOf<
      JobHandle<{ file: string }>
    >();
  };
  expectTypeOf(add).toBeFunction();
});

test("arguments are those of the function, wherever a task is called", () => {
  const wrong = () => {
    const list = tasks();
    // @ts-expect-error: the width is a number
    list.addTask(resize, "a", "300");
    // @ts-expect-error: the width is missing
    list.addTask(resize, "a");
    // @ts-expect-error: there is no third argument
    list.addTask(resize, "a", 300, 200);
    // @ts-expect-error: the width is a number
    void resize.enqueue("a", "300");
    // @ts-expect-error: the width is missing
    resize.call("a");
    // @ts-expect-error: the target is text
    publish.withResult(5);
    // @ts-expect-error: a task without arguments takes no result
    clean.withResult("a");
    // @ts-expect-error: there is no option of that name
    resize.with({ retries: 3 });
  };
  expectTypeOf(wrong).toBeFunction();
  expectTypeOf(resize.enqueue).parameters.toEqualTypeOf<[id: string, width: number]>();
  expectTypeOf(resize.enqueue).returns.toEqualTypeOf<Promise<JobHandle<{ file: string }>>>();
});

test("with() keeps the types", () => {
  const urgent = () => resize.with({ priority: 9, uniqueKey: "a", timeout: "1m" });
  expectTypeOf(urgent).returns.toEqualTypeOf<typeof resize>();
});

test("a call knows its result, and what it takes from the part before it", () => {
  expectTypeOf(resize.call("a", 1)).toEqualTypeOf<Call<{ file: string }, unknown>>();
  expectTypeOf(publish.withResult("cdn")).toEqualTypeOf<Call<string, { file: string }>>();
});

test("a chain results in what its last part does, and each part must take what the one before gives", () => {
  const flow = chain(resize.call("a", 1), publish.withResult("cdn"));
  expectTypeOf(flow).toEqualTypeOf<Flow<string>>();
  expectTypeOf(chain(resize.call("a", 1), clean.call())).toEqualTypeOf<Flow<void>>();
  const wrong = () => {
    // @ts-expect-error: publish takes an image, not a text
    chain(publish.call({ file: "a" }, "cdn"), publish.withResult("cdn"));
    // @ts-expect-error: a task is not a call
    chain(clean);
  };
  expectTypeOf(wrong).toBeFunction();
});

test("a group results in the results of its parts, in their order", () => {
  expectTypeOf(group(resize.call("a", 1), publish.call({ file: "a" }, "cdn"))).toEqualTypeOf<
    Flow<[{ file: string }, string]>
  >();
  const many = ["a", "b"].map((id) => resize.call(id, 1));
  expectTypeOf(group(many)).toEqualTypeOf<Flow<{ file: string }[]>>();
  expectTypeOf(group(group(clean.call()), resize.call("a", 1))).toEqualTypeOf<Flow<[[void], { file: string }]>>();
});

test("the body of a chord takes all results and gives the chord's", () => {
  expectTypeOf(chord([resize.call("a", 1), resize.call("b", 1)], zip.withResult())).toEqualTypeOf<Flow<number>>();
  const many = ["a", "b"].map((id) => resize.call(id, 1));
  expectTypeOf(chord(many, zip.withResult())).toEqualTypeOf<Flow<number>>();
  expectTypeOf(chord(many, clean.call())).toEqualTypeOf<Flow<void>>();
  const sum = task("types.sum", async (numbers: number[]) => numbers.length);
  expectTypeOf(
    chord([chain(resize.call("a", 1), clean.call(), zip.call([])), zip.call([])], sum.withResult()),
  ).toEqualTypeOf<Flow<number>>();
  expectTypeOf(
    chord([group(zip.call([]), zip.call([]))], task("types.sums", (sums: number[][]) => sums.length).withResult()),
  ).toEqualTypeOf<Flow<number>>();
  const wrong = () => {
    // @ts-expect-error: zip takes images, not texts
    chord([publish.call({ file: "a" }, "cdn")], zip.withResult());
  };
  expectTypeOf(wrong).toBeFunction();
});

test("the values of dependencies come first, with their types, and are no arguments of the task", () => {
  const database = dependency(async function* () {
    yield { insert: async (row: string) => row.length };
  });
  const save = task("types.save", {}, { database, signal: AbortSignal }, ({ database: db, signal }, row: string) => {
    expectTypeOf(db.insert).toEqualTypeOf<(row: string) => Promise<number>>();
    expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
    return db.insert(row);
  });
  expectTypeOf(save).toEqualTypeOf<Task<[row: string], number>>();
  const wrong = () => {
    // @ts-expect-error: there is no such dependency
    task("types.wrong", {}, { database }, ({ cache }, row: string) => [cache, row]);
  };
  expectTypeOf(wrong).toBeFunction();
});

test("uniqueKey and retryIf see the arguments and the error", () => {
  task(
    "types.charge",
    {
      uniqueKey: (order: string) => order,
      retryIf: (error, attempt) => {
        expectTypeOf(error).toEqualTypeOf<unknown>();
        return attempt < 3;
      },
    },
    async (order: string, cents: number) => order.repeat(cents),
  );
  const wrong = () => {
    // @ts-expect-error: the order is text
    task("types.charge", { uniqueKey: (order: number) => String(order) }, async (order: string) => order);
  };
  expectTypeOf(wrong).toBeFunction();
});

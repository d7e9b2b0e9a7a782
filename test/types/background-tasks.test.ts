import { BackgroundTask, BackgroundTasks, accepted, type Outcome, type Status, type TaskHandle } from "afterword";
import { expectTypeOf, test } from "vitest";

const resize = async (name: string, width: number, height?: number) => ({ name, pixels: width * (height ?? width) });
const log = (...lines: string[]): void => void lines;

function write(line: string): string;
function write(level: number, line: string): string;
function write(...args: unknown[]): string {
  return args.join(" ");
}

/** Only compiled: nothing here is called. */
const tasks = (): BackgroundTasks => new BackgroundTasks();

test("arguments are those of the function", () => {
  const list = tasks();
  list.addTask(resize, "photo.png", 300);
  list.addTask(resize, "photo.png", 300, 200);
  list.addTask(log);
  list.addTask(log, "a", "b", "c");
  list.addTask(() => {});
  // @ts-expect-error: the width is a number
  list.addTask(resize, "photo.png", "300");
  // @ts-expect-error: the width is missing
  list.addTask(resize, "photo.png");
  // @ts-expect-error: there is no fourth argument
  list.addTask(resize, "photo.png", 300, 200, 100);
  // @ts-expect-error: lines are text
  list.addTask(log, "a", 5);
  // @ts-expect-error: the function takes none
  list.addTask(() => {}, 1);
  const called = () => {
    // @ts-expect-error: a function is expected, not what it returned
    list.addTask(resize("photo.png", 300));
    // @ts-expect-error: a function is expected
    list.addTask("resize");
  };
  expectTypeOf(called).toBeFunction();
});

test("an overloaded function shows its last overload; a lambda shows any", () => {
  const list = tasks();
  list.addTask(write, 1, "line");
  list.addTask(() => write("line"));
  // @ts-expect-error: the first overload is not seen
  list.addTask(write, "line");
});

test("a misspelt property is found, also of an optional one", () => {
  const list = tasks();
  const send = (mail: { to: string; subject?: string }) => mail.to;
  list.addTask(send, { to: "foo@example.com", subject: "Hello" });
  // @ts-expect-error: subjct
  list.addTask(send, { to: "foo@example.com", subjct: "Hello" });
  // @ts-expect-error: subjct
  const single = () => new BackgroundTask(send, { to: "foo@example.com", subjct: "Hello" });
  expectTypeOf(single).toBeFunction();
});

test("the parameters of a function on the spot are the arguments'", () => {
  tasks().addTask((name: string, width: number) => name.repeat(width), "a", 2);
});

test("a generic function is called with what it takes", () => {
  const list = tasks();
  const first = <T extends { id: string }>(items: readonly T[]) => items[0];
  list.addTask(first, [{ id: "a" }]);
  // @ts-expect-error: items have an id
  list.addTask(first, [{ name: "a" }]);
});

test("a method is added in a lambda or bound", () => {
  const list = tasks();
  const shelf = new Map<string, number>();
  list.addTask(shelf.set.bind(shelf), "a", 1);
  list.addTask(() => shelf.set("a", 1));
});

test("the handle knows the result", () => {
  const list = tasks();
  expectTypeOf(list.addTask(resize, "a", 1)).toEqualTypeOf<TaskHandle<{ name: string; pixels: number }>>();
  expectTypeOf(list.addTask(() => 5)).toEqualTypeOf<TaskHandle<number>>();
  expectTypeOf(list.addTask(log, "a")).toEqualTypeOf<TaskHandle<void>>();
  expectTypeOf(list.with({ when: "always", timeout: "30s", name: "n" }).addTask(() => 5)).toEqualTypeOf<
    TaskHandle<number>
  >();
  const handle = list.addTask(async () => "done");
  expectTypeOf(handle.id).toEqualTypeOf<string>();
  expectTypeOf(handle.done).toEqualTypeOf<Promise<Outcome<string>>>();
  expectTypeOf(handle.status()).toEqualTypeOf<Promise<Status>>();
  expectTypeOf(handle.cancel("reason")).toEqualTypeOf<Promise<boolean>>();
  expectTypeOf(accepted(handle)).toEqualTypeOf<Response>();
});

test("an outcome has a value only when it succeeded, an error only when it failed", () => {
  const read = (outcome: Outcome<string>): unknown => {
    if (outcome.status === "succeeded") {
      expectTypeOf(outcome.value).toEqualTypeOf<string>();
      return outcome.value;
    }
    if (outcome.status === "failed") {
      expectTypeOf(outcome.error).toEqualTypeOf<unknown>();
      return outcome.error;
    }
    expectTypeOf(outcome.reason).toEqualTypeOf<string>();
    expectTypeOf(outcome.status).toEqualTypeOf<"canceled" | "expired" | "dropped" | "lost">();
    return outcome.reason;
  };
  // @ts-expect-error: not before its status is known
  const hasty = (outcome: Outcome<string>) => outcome.value;
  expectTypeOf(read).toBeFunction();
  expectTypeOf(hasty).toBeFunction();
});

test("a task of its own is checked in the same way, and a list is one", () => {
  const single = new BackgroundTask(resize, "a", 1);
  const list = new BackgroundTasks([single, new BackgroundTasks()]);
  expectTypeOf(list).toExtend<BackgroundTask>();
  expectTypeOf(list.tasks).toEqualTypeOf<BackgroundTask[]>();
  expectTypeOf(list.run()).toEqualTypeOf<Promise<void>>();
  // @ts-expect-error: the width is missing
  const missing = () => new BackgroundTask(resize, "a");
  // @ts-expect-error: members are tasks
  const member = () => new BackgroundTasks([() => {}]);
  expectTypeOf(missing).toBeFunction();
  expectTypeOf(member).toBeFunction();
});

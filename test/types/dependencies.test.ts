import { App, BackgroundTasks, dependency, query, type Dependency, type DependencyValue } from "afterword";
import { expectTypeOf, test } from "vitest";
import * as z from "zod";

class Connection {
  readonly isOpen = true;
}

test("the value is what the function returns, at once or by a promise", () => {
  expectTypeOf(dependency(() => new Connection())).toEqualTypeOf<Dependency<Connection>>();
  expectTypeOf(dependency(async () => new Connection())).toEqualTypeOf<Dependency<Connection>>();
  expectTypeOf(dependency((): Connection | undefined => undefined)).toEqualTypeOf<Dependency<Connection | undefined>>();
  expectTypeOf(dependency((): void => {})).toEqualTypeOf<Dependency<void>>();
});

test("the value is what a generator yields", () => {
  const sync = dependency(function* () {
    yield new Connection();
  });
  const asynchronous = dependency({ scope: "function" }, {}, async function* () {
    yield new Connection();
  });
  const returning = dependency(function* () {
    yield "yielded" as string;
    return 5;
  });
  const annotated = dependency({}, async function* (): AsyncGenerator<Connection> {
    yield new Connection();
  });
  expectTypeOf(sync).toEqualTypeOf<Dependency<Connection>>();
  expectTypeOf(asynchronous).toEqualTypeOf<Dependency<Connection>>();
  expectTypeOf(returning).toEqualTypeOf<Dependency<string>>();
  expectTypeOf(annotated).toEqualTypeOf<Dependency<Connection>>();
});

test("values of a function's result", () => {
  expectTypeOf<DependencyValue<Promise<Promise<string>>>>().toEqualTypeOf<string>();
  expectTypeOf<DependencyValue<AsyncGenerator<string, number>>>().toEqualTypeOf<string>();
  expectTypeOf<DependencyValue<Generator<string, number>>>().toEqualTypeOf<string>();
  expectTypeOf<DependencyValue<string[]>>().toEqualTypeOf<string[]>();
});

test("dependencies get what they depend on, and handlers get them all", () => {
  const connection = dependency(async function* () {
    yield new Connection();
  });
  const page = dependency({ limit: query(z.int().default(10)) }, ({ limit }) => {
    expectTypeOf(limit).toEqualTypeOf<number>();
    return { limit };
  });
  const user = dependency({ cache: false }, { db: connection, page, tasks: BackgroundTasks }, async (values) => {
    expectTypeOf(values).toEqualTypeOf<{
      readonly db: Connection;
      readonly page: { limit: number };
      readonly tasks: BackgroundTasks;
    }>();
    return { name: "Ada" };
  });
  new App().get("/", { user, page }, (values) => {
    expectTypeOf(values).toEqualTypeOf<{
      readonly user: { name: string };
      readonly page: { limit: number };
    }>();
    return values;
  });
});

test("another dependency of the same type may stand in", () => {
  const user = dependency((): { name: string } => ({ name: "Ada" }));
  const { overrides } = new App();
  overrides.set(
    user,
    dependency(async () => ({ name: "Test", isTest: true })),
  );
  const wrong = dependency(() => ({ nickname: "Test" }));
  // @ts-expect-error: a name is expected
  overrides.set(user, wrong);
});

test("wrong declarations do not compile", () => {
  const wrong = () => {
    // @ts-expect-error: parameters are a record of declarations
    dependency({ q: "string" }, ({ q }) => q);
    // @ts-expect-error: there are two scopes
    dependency({ scope: "task" }, {}, () => 1);
    // @ts-expect-error: options need a record of parameters after them
    dependency({ scope: "function" }, () => 1);
    // @ts-expect-error: without parameters there are no values
    dependency(({ q }: { q: string }) => q);
  };
  expectTypeOf(wrong).toBeFunction();
});

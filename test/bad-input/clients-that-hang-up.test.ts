// Clients that go away at every stage of a request.
import { BackgroundTasks, body, currentTask, dependency, sendFile, sse, stream } from "afterword";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { createGate, type Gate } from "../support/gate.ts";
import { createTempDirectory } from "../support/temp-directory.ts";
import { keepTidy } from "../support/tidy.ts";
import { within } from "../support/wait-until.ts";
import { besideNeighbors, type Attack, type Target } from "./beside-neighbors.ts";
import { openRaw } from "./raw-bytes.ts";

keepTidy();

type Leave = (socket: Socket) => void;

const ways: [string, Leave][] = [
  ["closes", (socket) => socket.destroy()],
  ["resets", (socket) => socket.resetAndDestroy()],
  ["ends", (socket) => socket.end()],
];

/** An app whose requests wait at gates, and tell where they are. */
class Stages {
  readonly handler: Gate = createGate();
  readonly body: Gate = createGate();
  path = "";

  readonly define = ({ app, recorder }: Target): void => {
    const opened = dependency(async function* () {
      recorder.add("opened");
      try {
        yield "value";
      } finally {
        recorder.add("closed");
      }
    });
    const params = { opened, tasks: BackgroundTasks, signal: AbortSignal };
    const add = (tasks: BackgroundTasks): void => {
      tasks.addTask(() =>
        recorder.add(`task, the client has ${currentTask().request?.signal.aborted ? "gone" : "its answer"}`),
      );
      tasks.with({ when: "always" }).addTask(() => recorder.add("always"));
    };
    app.post("/body", { ...params, data: body() }, ({ tasks }) => {
      add(tasks);
      return {};
    });
    app.post("/wait", params, async ({ tasks }) => {
      add(tasks);
      recorder.add("handler");
      await this.handler.opened;
      return { a: "b".repeat(1_000) };
    });
    app.post("/abort", params, async ({ tasks, signal }) => {
      add(tasks);
      recorder.add("handler");
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
    });
    const parts = async function* (gate: Gate): AsyncGenerator<string> {
      try {
        yield "first";
        await gate.opened;
        for (let count = 0; count < 1_000; count++) yield "x".repeat(65_536);
      } finally {
        recorder.add("producer closed");
      }
    };
    app.post("/stream", params, ({ tasks }) => {
      add(tasks);
      return stream(parts(this.body));
    });
    app.post("/sse", params, ({ tasks }) => {
      add(tasks);
      return sse(parts(this.body));
    });
    app.post("/large", params, ({ tasks }) => {
      add(tasks);
      return { first: "first", rest: "x".repeat(50_000_000) };
    });
    app.post("/file", params, ({ tasks }) => {
      add(tasks);
      return sendFile(this.path);
    });
  };
}

const empty = "host: x\r\ncontent-length: 0\r\n\r\n";

async function leave(
  { port }: Attack,
  text: string,
  until: (socket: Awaited<ReturnType<typeof openRaw>>) => Promise<unknown>,
  go: Leave,
): Promise<void> {
  const connection = await openRaw(port);
  await new Promise<void>((resolve) => connection.socket.write(text, () => resolve()));
  await until(connection);
  go(connection.socket);
  connection.socket.resume();
  await within(connection.closed, 5_000, "the connection to close");
}

describe.each(ways)("a client that %s its connection", (_way, go) => {
  test.each([
    ["before it says anything", ""],
    ["in the request line", "POST /wa"],
    ["in the headers", "POST /wait HTTP/1.1\r\nhost: x\r\nx-a"],
    [
      "before its body",
      "POST /body HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n",
    ],
    [
      "in its body",
      'POST /body HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"a":',
    ],
    [
      "in a chunk of its body",
      'POST /body HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n9\r\n{"a":',
    ],
    [
      "between the chunks of its body",
      'POST /body HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"a":\r\n',
    ],
  ])("%s leaves no task and nothing open", async (_stage, text) => {
    const stages = new Stages();
    await besideNeighbors(stages.define, async (attack) => {
      await leave(attack, text, async () => {}, go);
      const { recorder } = attack;
      expect(recorder.has("always")).toBe(false);
      if (recorder.has("opened")) await recorder.when("closed");
    });
  });

  test("while its handler works has its tasks run and its dependencies closed after that", async () => {
    const stages = new Stages();
    await besideNeighbors(stages.define, async (attack) => {
      const { recorder } = attack;
      await leave(
        attack,
        `POST /wait HTTP/1.1\r\n${empty}`,
        () => recorder.when("handler"),
        (socket) => {
          go(socket);
          stages.handler.open();
        },
      );
      await recorder.when("closed");
      expect(recorder.events.filter((event) => /^task,|always|closed/.test(event))).toEqual([
        expect.stringMatching(/^task, the client has/),
        "always",
        "closed",
      ]);
    });
  });

  test.each(["/stream", "/sse", "/large", "/file"])(
    "in the middle of the answer of %s has its tasks run once, and the producer closed",
    async (target) => {
      const stages = new Stages();
      stages.path = join(await createTempDirectory(), "large");
      await writeFile(stages.path, Buffer.from(`first${"x".repeat(50_000_000)}`));
      await besideNeighbors(stages.define, async (attack) => {
        const { recorder } = attack;
        await leave(
          attack,
          `POST ${target} HTTP/1.1\r\n${empty}`,
          async ({ exchange, socket }) => {
            await exchange.received("first");
            socket.pause();
          },
          (socket) => {
            go(socket);
            stages.body.open();
          },
        );
        await recorder.when("closed", 10_000);
        expect(recorder.events.filter((event) => /^task,|always|closed/.test(event)).toSorted()).toEqual([
          "always",
          "closed",
          ...(target === "/stream" || target === "/sse" ? ["producer closed"] : []),
          expect.stringMatching(/^task, the client has/),
        ]);
      });
    },
  );
});

describe.each(ways.slice(0, 2))("a client that %s its connection", (_way, go) => {
  test("before the answer of a handler that listens to its signal is noticed, and its success tasks are dropped", async () => {
    const stages = new Stages();
    const { error } = console;
    console.error = () => {};
    try {
      await besideNeighbors(stages.define, async (attack) => {
        const { recorder } = attack;
        await leave(attack, `POST /abort HTTP/1.1\r\n${empty}`, () => recorder.when("handler"), go);
        await recorder.when("always");
        await recorder.when("closed");
        expect(recorder.events.some((event) => event.startsWith("task,"))).toBe(false);
      });
    } finally {
      console.error = error;
    }
  });

  test("a hundred times at once leaves nothing", async () => {
    const stages = new Stages();
    await besideNeighbors(stages.define, async (attack) => {
      const { recorder } = attack;
      await Promise.all(
        Array.from({ length: 100 }, () =>
          leave(attack, `POST /stream HTTP/1.1\r\n${empty}`, ({ exchange }) => exchange.received("first"), go),
        ),
      );
      stages.body.open();
      const count = (): number => recorder.count("closed");
      await within(
        (async () => {
          while (count() < 100) await new Promise((resolve) => setImmediate(resolve));
        })(),
        10_000,
        "all to be closed",
      );
      expect(recorder.count("always")).toBe(100);
      expect(recorder.count("producer closed")).toBe(100);
    });
  });
});

test("requests that were pipelined by a client that goes away are handled once or never", async () => {
  const stages = new Stages();
  await besideNeighbors(stages.define, async (attack) => {
    const { recorder } = attack;
    await leave(
      attack,
      `POST /wait HTTP/1.1\r\n${empty}`.repeat(10),
      () => recorder.when("handler"),
      (socket) => {
        socket.destroy();
        stages.handler.open();
      },
    );
    await recorder.when("closed");
    const opened = recorder.count("opened");
    await within(
      (async () => {
        while (recorder.count("closed") < opened) await new Promise((resolve) => setImmediate(resolve));
      })(),
      5_000,
      "all to be closed",
    );
    expect(recorder.count("always")).toBe(opened);
  });
});

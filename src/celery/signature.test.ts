import { describe, expect, it } from "vitest";
import { dispatchErrbacks, dispatchSignature, dispatchSuccessors } from "./canvas.ts";
import type { DispatchContext } from "./dispatch.ts";
import { toSignature, toSignatures } from "./decode-signature.ts";
import { createTaskMessage, type TaskMessage } from "./message.ts";
import {
  chainSignature,
  chordSignature,
  chordSize,
  groupSignature,
  partsOf,
  taskSignature,
  type Signature,
} from "./signature.ts";

interface Sent {
  readonly message: TaskMessage;
}

const task = (name: string, options = {}): Signature => taskSignature({ task: name, options });

function context(): DispatchContext {
  let last = 0;
  return { nowMs: 1_000, createId: () => `id${++last}` };
}

/** The tasks that are sent, each with those that it carries: `a>b>c`. */
function shape(signature: Signature, given: DispatchContext = context()): readonly string[] {
  return dispatchSignature(signature, given).sends.map(({ message }) => {
    const following = message.chain.map((next) =>
      next.subtask_type === "chord"
        ? `(${partsOf(next)
            .flatMap((part) => (part.subtask_type === "group" ? partsOf(part) : [part]))
            .map(({ task }) => task)}|…)`
        : next.task,
    );
    const counted = message.chord === undefined ? "" : `#${message.groupIndex}`;
    return `${[message.task, ...following].join(">")}${counted}`;
  });
}

describe("a signature that is called", () => {
  it("of a task is one message, with what its options say", () => {
    const options = {
      task_id: "t",
      queue: "images",
      priority: 3,
      countdown: 2,
      expires: 9.5,
      time_limit: 5,
      soft_time_limit: 4,
      link: [task("after")],
      link_error: [task("failed")],
    };
    const { sends, result, chords } = dispatchSignature(taskSignature({ task: "resize", args: ["u1"], options }), {
      ...context(),
      args: [0],
    });
    expect(sends).toMatchObject([
      {
        queue: "images",
        message: {
          id: "t",
          rootId: "t",
          args: [0, "u1"],
          priority: 3,
          eta: 3_000,
          expires: 10_500,
          timeLimitMs: 5_000,
          softTimeLimitMs: 4_000,
          callbacks: [{ task: "after" }],
          errbacks: [{ task: "failed" }],
        },
      },
    ]);
    expect([result, chords]).toEqual([{ id: "t" }, []]);
  });

  it("that is immutable ignores what it is called with", () => {
    const fixed = taskSignature({ task: "resize", args: ["u1"], immutable: true });
    expect(dispatchSignature(fixed, { ...context(), args: [0] }).sends[0]!.message.args).toEqual(["u1"]);
  });

  it("of a chain is its first task, which carries the others", () => {
    expect(shape(chainSignature([task("a"), task("b"), task("c")]))).toEqual(["a>b>c"]);
    expect(shape(chainSignature([task("a"), chainSignature([task("b"), task("c")]), task("d")]))).toEqual(["a>b>c>d"]);
    expect(shape(chainSignature([]))).toEqual([]);
  });

  it("of a chain promises the result of its last task", () => {
    const { sends, result } = dispatchSignature(chainSignature([task("a"), task("b")], { task_id: "end" }), context());
    expect(result).toEqual({ id: "end" });
    expect(sends[0]!.message.chain[0]!.options.task_id).toBe("end");
    expect(sends[0]!.message.id).not.toBe("end");
  });

  it("of a chain has its callbacks at the end, and its errbacks everywhere", () => {
    const chain = chainSignature([task("a"), task("b")], { link: [task("after")], link_error: [task("failed")] });
    const [{ message }] = dispatchSignature(chain, context()).sends as unknown as [Sent];
    expect(message).toMatchObject({ callbacks: [], errbacks: [{ task: "failed" }] });
    expect(message.chain[0]!.options).toMatchObject({ link: [{ task: "after" }], link_error: [{ task: "failed" }] });
  });

  it("of a group is all of its tasks, also of the groups in it", () => {
    expect(shape(groupSignature([task("a"), groupSignature([task("b"), task("c")])]))).toEqual(["a", "b", "c"]);
    const { result, chords, sends } = dispatchSignature(
      groupSignature([task("a"), task("b")], { task_id: "g" }),
      context(),
    );
    expect(result).toEqual({ id: "g", parts: sends.map(({ message: { id } }) => ({ id })) });
    expect(sends.map(({ message: { group } }) => group)).toEqual(["g", "g"]);
    expect(chords).toEqual([]);
  });

  it("of a chord is its header, which carries the body", () => {
    const chord = chordSignature([task("a"), chainSignature([task("b"), task("c")])], task("sum"));
    expect(shape(chord)).toEqual(["a#0", "b>c"]);
    const { sends, chords, result } = dispatchSignature(chord, context());
    const [{ message: a }, { message: b }] = sends as unknown as [Sent, Sent];
    expect(chords).toEqual([{ groupId: a.group, size: 2 }]);
    expect(result).toEqual({ id: a.chord!.options.task_id });
    // The last of a chain is the one that counts.
    expect(b.group).toBe(undefined);
    expect(b.chain[0]!.options).toMatchObject({ group_id: a.group, group_index: 1, chord: a.chord! });
  });

  it("of a chord without a header is its body, called with nothing", () => {
    const { sends, chords } = dispatchSignature(chordSignature([], task("sum")), context());
    expect(sends[0]!.message).toMatchObject({ task: "sum", args: [[]], group: undefined });
    expect(chords).toEqual([]);
  });

  it("of a chain with a group in it is a chord", () => {
    const chain = chainSignature([groupSignature([task("a"), task("b")]), task("sum"), task("end")]);
    expect(shape(chain)).toEqual(["a#0", "b#1"]);
    const { sends, result } = dispatchSignature(chain, context());
    const { chord } = sends[0]!.message;
    expect(chord).toMatchObject({ task: "sum", options: { chain: [{ task: "end" }] } });
    const [{ message }] = dispatchSignature(chord!, { ...context(), args: [[1, 2]] }).sends as unknown as [Sent];
    expect(message).toMatchObject({ task: "sum", args: [[1, 2]], chain: [{ task: "end" }] });
    expect(message.chain[0]!.options.task_id).toBe(result!.id);
  });

  it("of a chain that goes on after a group keeps the rest for later", () => {
    expect(shape(chainSignature([task("start"), groupSignature([task("a"), task("b")]), task("sum")]))).toEqual([
      "start>(a,b|…)",
    ]);
    expect(shape(chainSignature([task("start"), groupSignature([task("a"), task("b")])]))).toEqual([
      "start>celery.group",
    ]);
  });

  it("of a chord whose body is a chain, and something after it, is all of it in order", () => {
    const chord = chordSignature([task("a")], chainSignature([task("sum"), task("double")]));
    const { sends, result } = dispatchSignature(chainSignature([chord, task("end")]), context());
    const { chord: body } = sends[0]!.message;
    expect(shape(body!)).toEqual(["sum>double>end"]);
    const [{ message }] = dispatchSignature(body!, context()).sends as unknown as [Sent];
    expect(message.chain.at(-1)!.options.task_id).toBe(result!.id);
  });

  it("of a chord in a chord counts by its body", () => {
    const inner = chordSignature([task("a"), task("b")], task("inner"));
    const { sends, chords } = dispatchSignature(chordSignature([inner, task("c")], task("outer")), context());
    expect(sends.map(({ message }) => [message.task, message.chord?.task])).toEqual([
      ["a", "inner"],
      ["b", "inner"],
      ["c", "outer"],
    ]);
    const [a, , c] = sends.map(({ message }) => message);
    expect(chords).toEqual([
      { groupId: c!.group, size: 2 },
      { groupId: a!.group, size: 2 },
    ]);
    expect(a!.chord!.options).toMatchObject({ group_id: c!.group, group_index: 0, chord: { task: "outer" } });
  });

  it("by a task belongs to what led to that", () => {
    const message = createTaskMessage({
      id: "t",
      task: "x",
      rootId: "r",
      callbacks: [task("a"), task("b")],
      chain: [task("c"), task("d")],
      errbacks: [task("e")],
    });
    const [callbacks, chain] = dispatchSuccessors(message, 5, context());
    expect(callbacks!.sends.map(({ message }) => message)).toMatchObject([
      { task: "a", args: [5], rootId: "r", parentId: "t" },
      { task: "b", args: [5], rootId: "r", parentId: "t" },
    ]);
    expect(chain!.sends.map(({ message }) => message)).toMatchObject([
      { task: "c", args: [5], parentId: "t", chain: [{ task: "d" }] },
    ]);
    expect(dispatchErrbacks(message, context())[0]!.sends[0]!.message).toMatchObject({
      task: "e",
      args: ["t"],
      rootId: "r",
      parentId: "t",
    });
    expect(dispatchErrbacks({ ...message, errbacks: [] }, context())).toEqual([]);
  });
});

describe("the size of a chord's part", () => {
  it("is the number of results that its body waits for", () => {
    const pair = groupSignature([task("a"), task("b")]);
    expect(chordSize(task("a"))).toBe(1);
    expect(chordSize(pair)).toBe(2);
    expect(chordSize(groupSignature([pair, task("c")]))).toBe(3);
    expect(chordSize(chainSignature([pair, task("c")]))).toBe(1);
    expect(chordSize(chainSignature([task("c"), pair]))).toBe(2);
    expect(chordSize(chainSignature([task("c"), groupSignature([])]))).toBe(1);
    expect(chordSize(chordSignature([pair], task("c")))).toBe(1);
    expect(chordSize(chainSignature([]))).toBe(0);
  });
});

describe("a signature that came", () => {
  it("has everything that was left out", () => {
    expect(toSignature({ task: "a" }, "It")).toEqual(task("a"));
    expect(
      toSignature({ task: "a", args: null, kwargs: null, options: null, subtask_type: null, immutable: null }, "It"),
    ).toEqual(task("a"));
  });

  it("keeps what nobody knows", () => {
    expect(toSignature({ task: "a", chord_size: 3, options: { mine: 1 } }, "It")).toEqual({
      ...task("a", { mine: 1 }),
      chord_size: 3,
    });
  });

  it("may stand alone where there can be several", () => {
    expect(toSignatures({ task: "a" }, "It")).toEqual([task("a")]);
    expect(toSignatures(null, "It")).toEqual([]);
    expect(toSignature({ task: "a", options: { link: { task: "b" } } }, "It").options.link).toEqual([task("b")]);
  });
});

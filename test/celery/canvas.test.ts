import { describe, expect, it } from "vitest";
import { dispatchErrbacks, dispatchSignature, dispatchSuccessors } from "../../src/celery/canvas.ts";
import type { Dispatch } from "../../src/celery/dispatch.ts";
import { decodeTaskMessage } from "../../src/celery/decode-message.ts";
import { decodeChordMember } from "../../src/celery/group-result.ts";
import type { JsonValue } from "../../src/celery/json.ts";
import type { TaskMessage } from "../../src/celery/message.ts";
import { decodeTaskResult } from "../../src/celery/result.ts";
import { commands, redisCases, tasks } from "./captured.ts";

const context = { nowMs: 0, createId: () => "new" };

function messages(name: string): readonly TaskMessage[] {
  return tasks(name).map((envelope) => decodeTaskMessage(envelope));
}

/** What each task of a case returned. */
function returned(name: string): ReadonlyMap<string, JsonValue> {
  const results = commands(name, "SETEX", "celery-task-meta-").map(([, , , text]) => decodeTaskResult(text!));
  return new Map(results.filter(({ state }) => state === "SUCCESS").map(({ id, result }) => [id, result]));
}

/** What a message says that the next one must say too. A group that has no chord is counted by nobody. */
function essence({
  id,
  task,
  args,
  kwargs,
  group,
  groupIndex,
  rootId,
  parentId,
  callbacks,
  errbacks,
  chain,
  chord,
}: TaskMessage) {
  const counted = chord === undefined ? undefined : { group, groupIndex, chord };
  return { id, task, args, kwargs, counted, rootId, parentId, callbacks, errbacks, chain };
}

describe("what follows a task", () => {
  it.each(["chain", "link", "links"])("is what a real Celery sends: %s", (name) => {
    const all = messages(name);
    const results = returned(name);
    const known = new Set(all.flatMap(({ chain }) => chain.map(({ options }) => options.task_id)));
    const made = all.flatMap((message) =>
      dispatchSuccessors(message, results.get(message.id)!, context).flatMap(({ sends }) =>
        sends.map(({ message }) => message),
      ),
    );
    const theirs = all.slice(1).map((message) => ({
      ...essence(message),
      id: known.has(message.id) ? message.id : "new",
    }));
    expect(made.map(essence)).toEqual(theirs);
  });

  it("of a chain with a group in it is a chord of a real Celery", () => {
    const [first, ...others] = messages("chord-in-chain");
    const [dispatch] = dispatchSuccessors(first!, 2, context);
    expect(dispatch!.sends).toHaveLength(2);
    const parts = others.filter(({ group }) => group !== undefined);
    // Celery counts them under a new id and not under the one that the group was given.
    const groupId = dispatch!.sends[0]!.message.group!;
    expect(dispatch!.sends.map(({ message }) => essence(message))).toEqual(
      parts.map((part, groupIndex) => ({
        ...essence(part),
        counted: { group: groupId, groupIndex, chord: dispatch!.sends[0]!.message.chord },
      })),
    );
    const [, , , size] = commands("chord-in-chain", "SETEX", "celery-taskset-meta-")[0]!;
    expect(dispatch!.chords).toEqual([{ groupId, size: Number(size) }]);
    const body = dispatchSignature(parts[0]!.chord!, {
      ...context,
      args: [[3, 4]],
      rootId: first!.rootId,
      parentId: parts[0]!.id,
    });
    const [sum, hundred] = others.filter(({ group }) => group === undefined);
    expect(essence(body.sends[0]!.message)).toEqual({ ...essence(sum!), parentId: parts[0]!.id });
    const [next] = dispatchSuccessors(body.sends[0]!.message, 7, context);
    expect(essence(next!.sends[0]!.message)).toEqual(essence(hundred!));
  });

  it.each(["chord", "chord-of-chains", "nested-chord"])(
    "of a chord is its body, called with all results: %s",
    (name) => {
      const all = messages(name);
      for (const [, key, , size] of commands(name, "SETEX", "celery-taskset-meta-")) {
        const groupId = /meta-(.*)\.s$/.exec(key!)![1]!;
        const members = commands(name, "ZADD", `celery-taskset-meta-${groupId}.j`).toSorted(
          (a, b) => Number(a[2]) - Number(b[2]),
        );
        expect(members).toHaveLength(Number(size));
        const results = members.map(([, , , text]) => decodeChordMember(text!).result);
        const part = all.find(({ group, chord }) => group === groupId && chord !== undefined)!;
        const theirs = all.find(({ id }) => id === bodyStart(part))!;
        const called: Dispatch = dispatchSignature(part.chord!, {
          ...context,
          args: [results],
          rootId: theirs.rootId,
          parentId: theirs.parentId,
        });
        expect(called.sends.map(({ message }) => essence(message))).toEqual([essence(theirs)]);
      }
    },
  );

  it("of a failure are its errbacks, called with its id", () => {
    const [failed, errback] = messages("link-error");
    const [dispatch] = dispatchErrbacks(failed!, context);
    const made = dispatch!.sends.map(({ message }) => essence(message));
    expect(made).toEqual([{ ...essence(errback!), id: "new" }]);
  });
});

/** The id of what a chord's body starts with. */
function bodyStart({ chord }: TaskMessage): JsonValue | undefined {
  const parts = chord!.kwargs.tasks as readonly { options: { task_id: string } }[] | undefined;
  return chord!.subtask_type === "chain" ? parts![0]!.options.task_id : chord!.options.task_id;
}

it("has a capture for all of it", () => {
  expect(Object.keys(redisCases)).toEqual(expect.arrayContaining(["chain", "group", "chord", "chord-in-chain"]));
});

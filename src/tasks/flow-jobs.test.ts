import { describe, expect, it } from "vitest";
import { chain, chord, group, task } from "afterword";
import { defaultSettings } from "../background/added-task.ts";
import type { Flow } from "./flow.ts";
import { flowToJobs } from "./flow-jobs.ts";

const one = task("flow.one", async (n: number) => n + 1);
const two = task("flow.two", async (n: number, m: number) => n * m);
const sum = task("flow.sum", async (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0));

/** Each job as text, with the places of the jobs it waits for. */
function picture(flow: Flow): string[] {
  const jobs = flowToJobs(flow.node, flow.name, defaultSettings, undefined);
  return jobs.map(({ task: name, args, after }) => {
    const waits = after?.ids.map((id) => jobs.findIndex((job) => job.id === id)).join(",");
    return `${name}${args}${after === undefined ? "" : ` after ${waits} with ${after.pass}`}`;
  });
}

describe("the jobs of a flow", () => {
  it("are a line for a chain", () => {
    expect(picture(chain(one.call(1), two.withResult(10), one.call(5)))).toEqual([
      "flow.one[1]",
      "flow.two[10] after 0 with result",
      "flow.one[5] after 1 with nothing",
    ]);
  });

  it("are the parts and a collector for a group", () => {
    expect(picture(group(one.call(1), one.call(2)))).toEqual([
      "flow.one[1]",
      "flow.one[2]",
      "afterword.collect[] after 0,1 with results",
    ]);
    expect(picture(group())).toEqual(["afterword.collect[[]]"]);
  });

  it("are the parts and the body for a chord", () => {
    expect(picture(chord([one.call(1), one.call(2)], sum.withResult()))).toEqual([
      "flow.one[1]",
      "flow.one[2]",
      "flow.sum[] after 0,1 with results",
    ]);
    expect(picture(chord([], sum.withResult()))).toEqual(["flow.sum[[]]"]);
  });

  it("nest: a chain in a group, a group in a chain", () => {
    expect(
      picture(chain(one.call(1), group(one.withResult(), chain(one.withResult(), one.withResult())), sum.withResult())),
    ).toEqual([
      "flow.one[1]",
      "flow.one[] after 0 with result",
      "flow.one[] after 0 with result",
      "flow.one[] after 2 with result",
      "flow.sum[] after 1,3 with results",
    ]);
  });

  it("know the last one, which stands for all", () => {
    const { node, name } = chord([one.call(1), chain(one.call(2), one.call(3))], sum.withResult());
    const jobs = flowToJobs(node, name, defaultSettings, "r1");
    const last = jobs.at(-1)!;
    expect(jobs.map(({ meta }) => meta)).toEqual([
      ...jobs.slice(0, -1).map(() => ({ requestId: "r1", flow: last.id })),
      { requestId: "r1" },
    ]);
  });

  it("run here and now when the flow is called", async () => {
    expect(await chain(one.call(1), two.withResult(10))()).toBe(20);
    expect(await group(one.call(1), one.call(2))()).toEqual([2, 3]);
    expect(await chord([one.call(1), one.call(2)], sum.withResult())()).toBe(5);
  });

  it.each([
    ["an empty chain", () => chain(), "chain() expects at least one call"],
    ["a task in place of a call", () => chain(one as never), "chain() expects calls such as task.call(…)"],
    [
      "a first part that wants a result",
      () => picture(chain(one.withResult() as never)),
      "flow.one.withResult(…) takes the result of a part before it",
    ],
    [
      "a chord without an array",
      () => chord(one.call(1) as never, sum.withResult() as never),
      "chord() expects an array of calls",
    ],
    ["arguments that are no JSON", () => one.call(1n as never), "argument 1 is the bigint 1n"],
  ])("refuse %s", (_, make, message) => {
    expect(make).toThrow(message);
  });
});

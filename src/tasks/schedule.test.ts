import * as z from "zod";
import { describe, expect, it } from "vitest";
import { task } from "afterword";
import { DeclarationError } from "../internal/afterword-error.ts";
import { Schedule, type ScheduleOptions } from "./schedule.ts";

const report = task("schedule.report", async (_kind: string) => {});
const checked = task("schedule.checked", { args: z.tuple([z.number()]) }, async (_n: number) => {});

function create(cron: string, options?: ScheduleOptions): Schedule {
  return new Schedule("nightly", cron, report, ["daily"], options);
}

describe("a schedule", () => {
  it("is read by UTC, and makes up once for what was missed, unless it says otherwise", () => {
    expect(create(" 0 3 * * * ")).toMatchObject({
      name: "nightly",
      cron: "0 3 * * *",
      timezone: "UTC",
      missed: "once",
      task: "schedule.report",
    });
    expect(create("@daily", { timezone: "Europe/Berlin", missed: "all" })).toMatchObject({
      timezone: "Europe/Berlin",
      missed: "all",
    });
  });

  it("makes jobs that say which tick of which schedule they are", () => {
    const schedule = create("0 3 * * *");
    const job = schedule.toNewJob(Date.UTC(2026, 0, 2, 3));
    expect(job).toMatchObject({
      task: "schedule.report",
      args: '["daily"]',
      meta: { schedule: "nightly", tick: "2026-01-02T03:00:00.000Z" },
    });
    expect(schedule.toNewJob(Date.UTC(2026, 0, 2, 3)).id).not.toBe(job.id);
  });

  it("gives its jobs the options of the task, as with() has changed them", () => {
    const keyed = task("schedule.keyed", { queue: "reports", uniqueKey: (kind: string) => `report:${kind}` }, report);
    const schedule = new Schedule("keyed", "@hourly", keyed.with({ priority: 9 }), ["daily"]);
    expect(schedule.toNewJob(0)).toMatchObject({ queue: "reports", priority: 9, uniqueKey: "report:daily" });
  });

  it("keeps its arguments as they were when it was declared", () => {
    const options = { deep: [1] };
    const nested = task("schedule.nested", async (_options: { deep: number[] }) => {});
    const schedule = new Schedule("nested", "@hourly", nested, [options]);
    options.deep.push(2);
    expect(schedule.toNewJob(0).args).toBe('[{"deep":[1]}]');
  });

  it("takes only arguments that the task takes", () => {
    expect(new Schedule("typed", "@hourly", checked, [1]).toNewJob(0).args).toBe("[1]");
    // @ts-expect-error -- a string is no number
    expect(() => new Schedule("typed", "@hourly", checked, ["x"])).toThrow("do not fit its schema");
    // @ts-expect-error -- an argument is missing
    expect(() => new Schedule("typed", "@hourly", checked, [])).toThrow("do not fit its schema");
  });

  it("leaves a schema that answers with a promise to the jobs", () => {
    const schema = z.tuple([z.number()]).refine(async () => false);
    const slow = task("schedule.slow", { args: schema }, async (_n: number) => {});
    expect(new Schedule("slow", "@hourly", slow, [1]).toNewJob(0).args).toBe("[1]");
  });

  it.each<[string, string, string]>([
    ["minute", "99 * * * *", "the minute of the cron expression '99 * * * *' must be 0 to 59"],
    ["second", "60 0 3 * * *", "the second of the cron expression '60 0 3 * * *' must be 0 to 59"],
    ["hour", "0 24 * * *", "must be 0 to 23, a range, a list or a step (*/5) of these, or *, but got '24'"],
    ["day of month", "0 3 0 * *", "the day of month of the cron expression"],
    ["month", "0 3 * 13 *", "the month of the cron expression '0 3 * 13 *' must be 1 to 12, or JAN to DEC"],
    ["day of week", "0 3 * * MONDAY", "must be 0 to 7 (0 and 7 are Sunday), or SUN to SAT"],
    ["step", "*/0 * * * *", "the minute of"],
    ["range", "0 10-8 * * *", "the hour of the cron expression '0 10-8 * * *' must be 0 to 23"],
  ])("refuses a %s that is wrong, and names it: %s", (_, cron, message) => {
    expect(() => create(cron)).toThrow(DeclarationError);
    expect(() => create(cron)).toThrow(message);
    expect(() => create(cron)).toThrow('Example: "0 3 * * MON-FRI" is three o\'clock on working days.');
  });

  it.each([
    ["every day"],
    [""],
    ["0 3 * *"],
    ["0 0 3 * * * 2027"],
    ["2026-01-01T03:00:00"],
    ["@reboot"],
    ["@dayly"],
    [7],
  ])("refuses %j as no cron expression", (cron) => {
    expect(() => create(cron as string)).toThrow(
      'Schedule "nightly": the time must be a cron expression of five fields (minute, hour, day of month, month, day of week), of six with seconds before them, or one of @yearly,',
    );
  });

  it.each([["0 0 31 2 *"], ["0 0 30 2 *"], ["0 0 31 4,6 *"]])("refuses %s, which is never due", (cron) => {
    expect(() => create(cron)).toThrow(`'${cron}' is never due, because no month that it names has such a day`);
  });

  it("takes a day that is rare", () => {
    expect(create("0 0 29 2 +MON").cron).toBe("0 0 29 2 +MON");
  });

  it.each([["Mars/Olympus"], [""], ["+02:00"], [2], [null]])("refuses %j as a time zone", (timezone) => {
    expect(() => create("0 3 * * *", { timezone: timezone as string })).toThrow(
      'timezone must be the name of an IANA time zone, such as "Europe/Berlin" or "UTC"',
    );
  });

  it.each<[string, () => unknown, string]>([
    [
      "an unknown policy",
      () => create("0 3 * * *", { missed: "maybe" as never }),
      'missed must be "skip", "once" or "all", but got \'maybe\'',
    ],
    [
      "an unknown option",
      () => create("0 3 * * *", { zone: "UTC" } as never),
      'Schedule "nightly" has no option "zone". It has timezone, missed.',
    ],
    ["options that are none", () => create("0 3 * * *", "UTC" as never), "the options must be { timezone, missed }"],
    ["an empty name", () => new Schedule("", "@daily", report, ["daily"]), "The name of a schedule must be"],
    [
      "a plain function",
      () => new Schedule("s", "@daily", (() => {}) as never, []),
      'needs a task that was made by task("name", fn), so that workers can find it',
    ],
    ["the name of a task", () => new Schedule("s", "@daily", "report" as never, []), "needs a task"],
    [
      "a task in a transaction",
      () => new Schedule("s", "@daily", report.with({ transaction: {} }), ["daily"]),
      "cannot be scheduled, because a transaction ends and a schedule does not",
    ],
    ["arguments that are no array", () => new Schedule("s", "@daily", report, "daily" as never), "must be an array"],
    ["arguments that are no JSON", () => new Schedule("s", "@daily", report, [new Date(0) as never]), "is a Date"],
    [
      "arguments that do not fit the schema",
      () => new Schedule("s", "@daily", checked, ["x" as never]),
      'Schedule "s": The arguments of task "schedule.checked" do not fit its schema',
    ],
    [
      "a unique key that is none",
      () =>
        new Schedule(
          "s",
          "@daily",
          task("schedule.badkey", { uniqueKey: () => "" }, async () => {}),
          [],
        ),
      "uniqueKey must give a string",
    ],
  ])("refuses %s where it is declared", (_, make, message) => {
    expect(make).toThrow(DeclarationError);
    expect(make).toThrow(message);
  });
});

import { describe, expect, it } from "vitest";
import { pythonRepr, pythonStr, reprException } from "../../src/celery/python-repr.ts";
import { reprArguments, reprValue } from "../../src/celery/safe-repr.ts";
import { decodeEvents } from "../../src/celery/event.ts";
import { decodeTaskResult } from "../../src/celery/result.ts";
import { argsReprCases, commands, published, reprCases } from "./captured.ts";

describe("a value", () => {
  it.each(reprCases)("is shown as Celery shows it: $saferepr", ({ value, saferepr }) => {
    expect(reprValue(value)).toBe(saferepr);
  });

  it.each(reprCases.filter(({ value }) => (value as unknown) !== 123456789012345680000))(
    "is shown as Python's repr and str show it: $repr",
    ({ value, repr, str }) => {
      expect(pythonRepr(value)).toBe(repr);
      expect(pythonStr(value)).toBe(str);
    },
  );
});

describe("an exception", () => {
  it.each(["fail_builtin", "fail_value"])("is shown as an event of Celery shows it: %s", (name) => {
    const event = published(name, "celeryev")
      .flatMap((envelope) => decodeEvents(envelope))
      .find(({ type }) => type === "task-failed")!;
    const { error } = decodeTaskResult(commands(name, "SETEX", "celery-task-meta-").at(-1)![3]!);
    expect(event.fields.exception).toBe(reprException(error!.name, error!.args));
  });
});

describe("arguments", () => {
  it.each(argsReprCases)("are shown as Celery shows them: $argsrepr", ({ args, argsrepr }) => {
    expect(reprArguments(args)).toBe(argsrepr);
  });
});

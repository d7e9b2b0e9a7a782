import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { DeclarationError } from "../internal/afterword-error.ts";
import { describeError } from "./describe-error.ts";

const folder = mkdtempSync(join(tmpdir(), "afterword-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** What is said of the error that a module throws. */
async function describeThrownBy(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  writeFileSync(path, text);
  try {
    await import(/* @vite-ignore */ pathToFileURL(path).href);
  } catch (error) {
    return describeError(error).replaceAll(folder, "");
  }
  throw new Error(`${name} throws nothing.`);
}

/** An error without a stack, which says what it says and nothing of where. */
function stackless<E extends Error>(error: E): E {
  error.stack = `${error.name}: ${error.message}\n    at run (node:internal/modules/run:1:1)`;
  return error;
}

describe("an error is described", () => {
  it("with its place, two lines around it, a mark under the column, and the way there", async () => {
    const lines = ["const a = 1;", "function f() {", "\tif (a)\tthrow new RangeError('too far');", "}", "", "f();"];
    expect(await describeThrownBy("place.mjs", lines.join("\n"))).toBe(
      [
        "/place.mjs:3:15\n",
        "  1 | const a = 1;",
        "  2 | function f() {",
        "> 3 | \tif (a)\tthrow new RangeError('too far');",
        "    | \t      \t      ^",
        "  4 | }",
        "  5 |\n",
        "RangeError: too far",
        "    at /place.mjs:3:15",
        "    at /place.mjs:6:1",
      ].join("\n"),
    );
  });

  it("with its code, and without the lines of Node", () => {
    const error = stackless(Object.assign(new Error("connect ECONNREFUSED ::1:5432"), { code: "ECONNREFUSED" }));
    expect(describeError(error)).toBe("Error [ECONNREFUSED]: connect ECONNREFUSED ::1:5432");
  });

  it("by its sentence alone if it is one of ours", () => {
    expect(describeError(stackless(new DeclarationError("A path starts with a slash.")))).toBe(
      "A path starts with a slash.",
    );
  });

  it("with what led to it, all of them, to a bounded depth", () => {
    const parts = [stackless(new Error("one")), stackless(new Error("two"))];
    expect(describeError(stackless(new AggregateError(parts, "both")))).toBe(
      "AggregateError: both\n\nBecause of:\nError: one\n\nBecause of:\nError: two",
    );
    const circle = stackless(new Error("again"));
    circle.cause = circle;
    expect(describeError(circle).match(/again/g)).toHaveLength(6);
  });

  it("as a value if it is none", () => {
    expect(describeError({ status: 404 })).toBe("Thrown was { status: 404 }, which is not an error.");
  });
});

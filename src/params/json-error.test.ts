import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { explainJsonError } from "./json-error.ts";

test.each([
  ["", "expected a value, but it ends at line 1, column 1"],
  ["  \n ", "expected a value, but it ends at line 2, column 2"],
  ["hello", "expected a value at line 1, column 1"],
  ["undefined", "expected a value at line 1, column 1"],
  ["{a: 1}", 'expected a key in double quotes or "}" at line 1, column 2'],
  ["{'a': 1}", 'expected a key in double quotes or "}" at line 1, column 2'],
  ['{"a" 1}', 'expected ":" at line 1, column 6'],
  ['{"a": }', "expected a value at line 1, column 7"],
  ['{"a": 1,}', "expected a key in double quotes at line 1, column 9"],
  ['{"a": 1 "b": 2}', 'expected "," or "}" at line 1, column 9'],
  ['{\n  "a": 1\n', 'expected "," or "}", but it ends at line 3, column 1'],
  ["[1, 2", 'expected "," or "]", but it ends at line 1, column 6'],
  ["[1,]", "expected a value at line 1, column 4"],
  ["[1}", 'expected "," or "]" at line 1, column 3'],
  ["1 2", "expected the end of the body at line 1, column 3"],
  ["{} {}", "expected the end of the body at line 1, column 4"],
  ["01", "expected the end of the body at line 1, column 2"],
  ["[1.]", 'expected "," or "]" at line 1, column 3'],
  ["NaN", "expected a value at line 1, column 1"],
  ['"abc', "expected the closing quote of a string, but it ends at line 1, column 5"],
  ['"a\\x"', "expected a valid escape at line 1, column 3"],
  ['"a\\u12"', "expected a valid escape at line 1, column 3"],
  ['"a\nb"', "expected an escape in place of a control character at line 1, column 3"],
])("%j: %s", (text, reason) => {
  expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError);
  expect(explainJsonError(text)).toBe(reason);
});

test("depth and length do not matter", () => {
  expect(explainJsonError("[".repeat(1_000_000))).toBe(
    'expected a value or "]", but it ends at line 1, column 1000001',
  );
  expect(explainJsonError(`"${"x".repeat(5_000_000)}`)).toContain("column 5000002");
});

describe("any text that JSON.parse refuses", () => {
  const json = fc.json({ maxDepth: 4 });
  const broken = fc.tuple(
    json,
    fc.nat(),
    fc.nat({ max: 3 }),
    fc.oneof(fc.constantFrom("", ",", "}", "]", '"', "\\", ":", "[", "1", "\n", "\u0000"), fc.string({ maxLength: 3 })),
  );

  test("has its error at the place up to which it could be the beginning of JSON", () => {
    fc.assert(
      fc.property(broken, ([text, at, length, insert]) => {
        const start = text.length === 0 ? 0 : at % text.length;
        const mutated = text.slice(0, start) + insert + text.slice(start + length);
        try {
          JSON.parse(mutated);
          return;
        } catch {
          // Then the reason is asked for.
        }
        const reason = explainJsonError(mutated);
        const place = /line (\d+), column (\d+)$/.exec(reason);
        expect(reason).toMatch(/^expected .*line \d+, column \d+$/);
        const lines = mutated.split("\n");
        const line = Number(place![1]);
        expect(line).toBeLessThanOrEqual(lines.length);
        expect(Number(place![2])).toBeLessThanOrEqual(lines[line - 1]!.length + 1);
      }),
      { numRuns: 2_000 },
    );
  });
});

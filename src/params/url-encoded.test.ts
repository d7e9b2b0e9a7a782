import { describe, expect, test } from "vitest";
import { FormTexts } from "./form-texts.ts";
import { parseUrlEncoded } from "./url-encoded.ts";

function parse(text: string): [string, readonly string[]][] {
  return [...parseUrlEncoded(new TextEncoder().encode(text))];
}

describe("a urlencoded form", () => {
  test("has its fields decoded and gathered by name", () => {
    expect(parse("a=1&b=x+y%20%C3%A9&a=2&c")).toEqual([
      ["a", ["1", "2"]],
      ["b", ["x y é"]],
      ["c", [""]],
    ]);
    expect(parse("")).toEqual([]);
    expect(parse("&&=&")).toEqual([["", [""]]]);
  });

  test("is never malformed", () => {
    expect(parse("a=%&b=%zz&c=%ff&?d=1&__proto__=x")).toEqual([
      ["a", ["%"]],
      ["b", ["%zz"]],
      ["c", ["\ufffd"]],
      ["?d", ["1"]],
      ["__proto__", ["x"]],
    ]);
    expect(parse("?a=1")).toEqual([["?a", ["1"]]]);
  });

  test("has at most 1000 fields", () => {
    expect(parse("a=1&".repeat(1_000))[0]![1]).toHaveLength(1_000);
    expect(() => parse("a=1&".repeat(1_001))).toThrow(
      expect.objectContaining({ status: 413, detail: "The form has more than 1000 fields." }),
    );
  });

  test("has names of at most 200 characters", () => {
    expect(parse(`${"a".repeat(200)}=1`)).toHaveLength(1);
    expect(() => parse(`${"a".repeat(201)}=1`)).toThrow(expect.objectContaining({ status: 413 }));
  });
});

test("the text of a form has at most so many bytes together", () => {
  const texts = new FormTexts(10);
  texts.add("a", "éé");
  texts.add("b", "1234");
  expect(() => texts.add("c", "")).toThrow(
    expect.objectContaining({
      status: 413,
      detail: "The text of the form is larger than 10 bytes.",
      headers: { connection: "close" },
    }),
  );
});

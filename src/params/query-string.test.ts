import * as fc from "fast-check";
import { getQueryParams } from "hono/utils/url";
import { expect, test } from "vitest";
import { lastQueryValue } from "./query-string.ts";

test.each([
  ["", undefined],
  ["?", undefined],
  ["?q=tea", "tea"],
  ["?q", ""],
  ["?q=", ""],
  ["?q=a&q=b", "b"],
  ["?q=a&x=1&q", ""],
  ["?xq=a&qx=b", undefined],
  ["?q=a=b?c", "a=b?c"],
  ["?a=b&&q=c&&", "c"],
  ["?q=a+b%20c%2Bd", "a b c+d"],
  ["?%71=a", "a"],
  ["?q=a&%71=b", "b"],
  ["?q=%ff&x", "%ff"],
  ["?q=%C3%A9-%ff", "é-%ff"],
  ["?q=a#&q=b", "a"],
  ["#?q=a", undefined],
  ["?=a&q=b", "b"],
])("the last value of q in %j is %j", (search, value) => {
  expect(lastQueryValue(`http://localhost/p&q=x/${search}`, "q")).toBe(value);
});

test("names with signs of their own are found", () => {
  expect(lastQueryValue("http://x/?a%2Bb=1", "a+b")).toBe("1");
  expect(lastQueryValue("http://x/?a+b=1", "a+b")).toBeUndefined();
  expect(lastQueryValue("http://x/?a+b=1", "a b")).toBe("1");
  expect(lastQueryValue("http://x/?%C3%A9=1", "é")).toBe("1");
  expect(lastQueryValue("http://x/?tags%5B%5D=1&tags[]=2", "tags[]")).toBe("2");
  expect(lastQueryValue("http://x/?__proto__=1", "__proto__")).toBe("1");
});

test("it is the last of the values that Hono finds, for any query string", () => {
  const part = fc.oneof(
    fc.constantFrom("q", "qq", "a b", "+", "%", "%71", "%20", "é", "=", "&", "&q=", "?"),
    fc.string({ maxLength: 3 }),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), fc.constantFrom("q", "qq", "a b", "é", "a+b"), (parts, name) => {
      const url = `http://localhost/?${parts.join("").replaceAll("#", "")}`;
      expect(lastQueryValue(url, name)).toBe((getQueryParams(url, name) as string[] | undefined)?.at(-1));
    }),
    { numRuns: 2_000 },
  );
});

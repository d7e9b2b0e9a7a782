import { describe, expect, test } from "vitest";
import { parseMediaType, refuseMedia } from "./media-type.ts";

test.each([
  [null, "", undefined],
  ["", "", undefined],
  ["application/json", "application/json", undefined],
  [' Application/JSON ; Charset="UTF-8"', "application/json", "utf-8"],
  ["text/plain;a=b; charset = latin1 ;c=d", "text/plain", "latin1"],
  ["text/plain; charset=", "text/plain", ""],
  [";;;", "", undefined],
  ["text/plain; xcharset=utf-16", "text/plain", undefined],
])("the Content-Type %j has the type %j and the charset %j", (header, type, charset) => {
  expect(parseMediaType(header)).toEqual({ type, charset });
});

describe("a body that cannot be read", () => {
  const refuse = (headers: Record<string, string>) =>
    refuseMedia(new Headers(headers), (type) => type === "application/json", "application/json");

  test("is one of another type, or of none", () => {
    expect(refuse({ "content-type": "text/plain" })).toMatchObject({
      status: 415,
      detail: 'Expected a body of type application/json, but got "text/plain".',
      headers: { accept: "application/json" },
    });
    expect(refuse({})?.detail).toBe("Expected a body of type application/json, but the request has no Content-Type.");
  });

  test("is one in another charset than UTF-8", () => {
    expect(refuse({ "content-type": "application/json; charset=utf-16" })?.detail).toBe(
      'Expected a body in the charset utf-8, but got "utf-16".',
    );
    expect(refuse({ "content-type": "application/json; charset=UTF8" })).toBeUndefined();
  });

  test("is a compressed one", () => {
    expect(refuse({ "content-type": "application/json", "content-encoding": "gzip" })).toMatchObject({
      status: 415,
      detail: 'Expected a body without Content-Encoding, but got "gzip".',
      headers: { "accept-encoding": "identity" },
    });
    expect(refuse({ "content-type": "application/json", "content-encoding": "Identity" })).toBeUndefined();
  });

  test("is named shortly however long its type is", () => {
    expect(String(refuse({ "content-type": "x".repeat(10_000) })?.detail).length).toBeLessThan(250);
  });
});

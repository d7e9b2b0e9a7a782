import { describe, expect, it } from "vitest";
import { answerFor } from "./file-answer.ts";

const file = { size: 100, etag: '"v1"', lastModified: "Sun, 06 Nov 1994 08:49:37 GMT" };
const before = "Sun, 06 Nov 1994 08:49:36 GMT";
const after = "Mon, 07 Nov 1994 00:00:00 GMT";
const part = { status: 206, range: { start: 0, length: 5 } };
const whole = { status: 200 };

describe("answerFor", () => {
  it.each<[string, Record<string, string>, object]>([
    ["no condition", {}, whole],
    ["the tag it has", { "if-none-match": '"v1"' }, { status: 304 }],
    ["the tag it has, weak", { "if-none-match": 'W/"v1"' }, { status: 304 }],
    ["a list with the tag", { "if-none-match": '"a,b", W/"v1" ,"c"' }, { status: 304 }],
    ["any tag", { "if-none-match": "*" }, { status: 304 }],
    ["another tag", { "if-none-match": '"v2"' }, whole],
    ["a tag within another", { "if-none-match": '"x"v1"y"' }, whole],
    ["the same second", { "if-modified-since": file.lastModified }, { status: 304 }],
    ["a later time", { "if-modified-since": after }, { status: 304 }],
    ["an earlier time", { "if-modified-since": before }, whole],
    ["the form of RFC 850", { "if-modified-since": "Sunday, 06-Nov-94 08:49:37 GMT" }, { status: 304 }],
    ["the form of asctime", { "if-modified-since": "Sun Nov  6 08:49:37 1994" }, { status: 304 }],
    ["asctime, a second early", { "if-modified-since": "Sun Nov  6 08:49:36 1994" }, whole],
    ["no date", { "if-modified-since": "3000" }, whole],
    ["a tag, which goes before the time", { "if-none-match": '"v2"', "if-modified-since": after }, whole],
    ["If-Match with the tag", { "if-match": '"v1"' }, whole],
    ["If-Match with a weak tag", { "if-match": 'W/"v1"' }, { status: 412 }],
    ["If-Match with another", { "if-match": '"v2"' }, { status: 412 }],
    ["If-Match with any", { "if-match": "*" }, whole],
    ["If-Unmodified-Since, unmodified", { "if-unmodified-since": file.lastModified }, whole],
    ["If-Unmodified-Since, modified", { "if-unmodified-since": before }, { status: 412 }],
    ["If-Match, which goes before the time", { "if-match": '"v1"', "if-unmodified-since": before }, whole],
    ["a range", { range: "bytes=0-4" }, part],
    ["a range behind the end", { range: "bytes=100-" }, { status: 416 }],
    ["two ranges", { range: "bytes=0-4,6-7" }, whole],
    ["a range of what it has already", { range: "bytes=0-4", "if-none-match": '"v1"' }, { status: 304 }],
    ["a range if the tag is the same", { range: "bytes=0-4", "if-range": '"v1"' }, part],
    ["a range if the tag is another", { range: "bytes=0-4", "if-range": '"v2"' }, whole],
    ["a range if a weak tag is the same", { range: "bytes=0-4", "if-range": 'W/"v1"' }, whole],
    ["a range if the time is the same", { range: "bytes=0-4", "if-range": file.lastModified }, part],
    ["a range if the time is another", { range: "bytes=0-4", "if-range": after }, whole],
    ["a range behind the end of another version", { range: "bytes=100-", "if-range": '"v2"' }, whole],
  ])("answers %s", (_, headers, answer) => {
    expect(answerFor(file, "GET", new Headers(headers))).toEqual(answer);
  });

  it("never takes a weak tag of its own for the same bytes", () => {
    const weak = { ...file, etag: 'W/"v1"' };
    const answer = (headers: Record<string, string>): object => answerFor(weak, "GET", new Headers(headers));
    expect(answer({ "if-none-match": '"v1"' })).toEqual({ status: 304 });
    expect(answer({ "if-match": 'W/"v1"' })).toEqual({ status: 412 });
    expect(answer({ range: "bytes=0-4", "if-range": 'W/"v1"' })).toEqual(whole);
  });

  it("knows no ranges with HEAD, and no conditions with POST", () => {
    expect(answerFor(file, "HEAD", new Headers({ range: "bytes=0-4" }))).toEqual(whole);
    expect(answerFor(file, "HEAD", new Headers({ "if-none-match": '"v1"' }))).toEqual({ status: 304 });
    expect(answerFor(file, "POST", new Headers({ "if-none-match": '"v1"', range: "bytes=0-4" }))).toEqual(whole);
  });
});

import { describe, expect, it } from "vitest";
import { redirect } from "./redirect.ts";

describe("redirect", () => {
  it("repeats the method by default, with 307, and has no body", () => {
    const response = redirect("/new");
    expect(response.status).toBe(307);
    expect([...response.headers]).toEqual([["location", "/new"]]);
    expect(response.body).toBeNull();
  });

  it("takes another redirect status and further headers", () => {
    const response = redirect("/new", { status: 303, headers: { "cache-control": "no-store" } });
    expect(response.status).toBe(303);
    expect(response.headers.get("cache-control")).toBe("no-store");
  });

  it.each([200, 300, 304, 404])("refuses the status %i", (status) => {
    expect(() => redirect("/new", { status: status as never })).toThrow(
      expect.objectContaining({ code: "invalid_status" }),
    );
  });

  it.each([
    ["/search?q=größer als&page=2#top", "/search?q=gr%C3%B6%C3%9Fer%20als&page=2#top"],
    ["/already%20encoded/%C3%BC", "/already%20encoded/%C3%BC"],
    ["/\\evil.example", "/%5Cevil.example"],
    ["https://user:pw@[::1]:8000/a;b=(c)'!*", "https://user:pw@[::1]:8000/a;b=(c)'!*"],
    ['/"<>^`{|}', "/%22%3C%3E%5E%60%7B%7C%7D"],
    ["/emoji/🎉/lone/\ud800", "/emoji/%F0%9F%8E%89/lone/%EF%BF%BD"],
    ["/tab\tnul\0", "/tab%09nul%00"],
  ])("encodes %j as %s", (url, location) => {
    expect(redirect(url).headers.get("location")).toBe(location);
  });

  it("takes a URL object", () => {
    expect(redirect(new URL("https://exämple.com/ä")).headers.get("location")).toBe(
      "https://xn--exmple-cua.com/%C3%A4",
    );
  });

  it.each(["/x\r\nset-cookie: stolen=1", "/x\n", "\r/x"])("refuses the line break in %j", (url) => {
    expect(() => redirect(url)).toThrow(expect.objectContaining({ code: "invalid_redirect" }));
  });
});

import { describe, expect, it } from "vitest";
import { BackgroundTask } from "../background/background-task.ts";
import { takeBackground } from "./attached-background.ts";
import { json } from "./json.ts";
import { applyReply, Reply } from "./reply.ts";
import { withBackground } from "./with-background.ts";

describe("Reply", () => {
  it("costs nothing untouched: the response is the same, and no headers are made", () => {
    const reply = new Reply();
    reply.status = 201;
    const response = json({});
    expect(applyReply(reply, response)).toBe(response);
    expect(Reply.headersOf(reply)).toBeUndefined();
  });

  it("checks its status", () => {
    const reply = new Reply();
    expect(reply.status).toBeUndefined();
    reply.status = 404;
    expect(reply.status).toBe(404);
    expect(() => (reply.status = 42)).toThrow(expect.objectContaining({ code: "invalid_status" }));
    reply.status = undefined;
    expect(reply.status).toBeUndefined();
  });

  it("replaces headers and adds cookies", () => {
    const reply = new Reply();
    reply.headers.set("content-type", "application/vnd.api+json");
    reply.setCookie("a", "1");
    reply.setCookie("b", "2");
    const response = applyReply(reply, json({}, { headers: { "set-cookie": "own=0", "x-kept": "yes" } }));
    expect(response.headers.get("content-type")).toBe("application/vnd.api+json");
    expect(response.headers.get("x-kept")).toBe("yes");
    expect(response.headers.getSetCookie()).toEqual(["own=0", "a=1; Path=/", "b=2; Path=/"]);
  });

  it.each<[string, Parameters<Reply["setCookie"]>, string]>([
    ["a value of any text", ["a", 'x; y="ü"'], "a=x%3B%20y%3D%22%C3%BC%22; Path=/"],
    [
      "another path and a domain",
      ["a", "1", { path: "/admin", domain: "example.com" }],
      "a=1; Domain=example.com; Path=/admin",
    ],
    [
      "every attribute",
      [
        "a",
        "1",
        {
          maxAge: 60,
          expires: new Date(0),
          httpOnly: true,
          secure: true,
          sameSite: "None",
          priority: "High",
          partitioned: true,
        },
      ],
      "a=1; Max-Age=60; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=None; Priority=High; Partitioned",
    ],
    [
      "attributes that are not given",
      ["a", "1", { path: undefined, domain: undefined, maxAge: undefined }],
      "a=1; Path=/",
    ],
  ])("sets a cookie with %s", (_, args, line) => {
    const reply = new Reply();
    reply.setCookie(...args);
    expect(reply.headers.getSetCookie()).toEqual([line]);
  });

  it("deletes a cookie", () => {
    const reply = new Reply();
    reply.deleteCookie("a", { path: "/admin" });
    expect(reply.headers.getSetCookie()).toEqual(["a=; Max-Age=0; Path=/admin; Expires=Thu, 01 Jan 1970 00:00:00 GMT"]);
  });

  it.each<[string, Parameters<Reply["setCookie"]>]>([
    ["a name with a space", ["a b", "1"]],
    ["a path with a semicolon", ["a", "1", { path: "/; Domain=evil.example" }]],
    ["a domain with a line break", ["a", "1", { domain: "x\r\nset-cookie: b=2" }]],
    ["__Host- without secure", ["__Host-a", "1"]],
    ["more than 400 days", ["a", "1", { maxAge: 34_560_001 }]],
  ])("refuses a cookie with %s", (_, args) => {
    expect(() => new Reply().setCookie(...args)).toThrow(expect.objectContaining({ code: "invalid_cookie" }));
  });

  it("copies a response whose headers cannot be changed, with its body and background", async () => {
    const reply = new Reply();
    reply.headers.set("x-a", "1");
    reply.setCookie("a", "1");
    const task = new BackgroundTask(() => {});
    const redirected = withBackground(Response.redirect("http://localhost/new", 303), task);
    const copy = applyReply(reply, redirected);
    expect(copy).not.toBe(redirected);
    expect(copy.status).toBe(303);
    expect(Object.fromEntries(copy.headers)).toEqual({
      location: "http://localhost/new",
      "x-a": "1",
      "set-cookie": "a=1; Path=/",
    });
    expect(takeBackground(copy)).toBe(task);

    const fetched = applyReply(reply, await fetch("data:text/plain,hello"));
    expect(fetched.headers.get("x-a")).toBe("1");
    expect(await fetched.text()).toBe("hello");
  });
});

import { describe, expect, it } from "vitest";
import { BackgroundTask } from "../background/background-task.ts";
import { takeBackground } from "./attached-background.ts";
import { DeferredResponse, isDeferred } from "./deferred.ts";
import { toResponse } from "./to-response.ts";
import { withBackground } from "./with-background.ts";

const request = new Request("http://localhost/items");
const ok = { status: 200 };

class Echo extends DeferredResponse {
  override async render(given: Request): Promise<Response> {
    return new Response(`${given.method} ${given.url}`, { status: 203, headers: this.headers });
  }
}

describe("toResponse", () => {
  it.each<[unknown, string]>([
    [{ a: 1 }, '{"a":1}'],
    [["a"], '["a"]'],
    ["text", '"text"'],
    [7, "7"],
    [true, "true"],
    [null, "null"],
    [undefined, "null"],
    [{ next: "page" }, '{"next":"page"}'],
    [Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
  ])("answers %j as JSON", async (value, body) => {
    const response = toResponse(value, ok, request) as Response;
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.text()).toBe(body);
  });

  it("gives data its status and headers, and no body with 204", () => {
    const created = toResponse({}, { status: 201, headers: { location: "/7" } }, request) as Response;
    expect(created.status).toBe(201);
    expect(created.headers.get("location")).toBe("/7");
    const empty = toResponse(undefined, { status: 204 }, request) as Response;
    expect([empty.status, empty.body, [...empty.headers]]).toEqual([204, null, []]);
  });

  it("gives back a response as it is, with its own status", () => {
    const response = new Response("x", { status: 418 });
    expect(toResponse(response, { status: 201 }, request)).toBe(response);
  });

  it.each<[string, () => unknown, string]>([
    [
      "an async generator",
      async function* () {
        yield "ab";
      },
      "text/plain; charset=utf-8",
    ],
    [
      "a running generator",
      function* () {
        yield "ab";
      },
      "text/plain; charset=utf-8",
    ],
    ["a ReadableStream", () => new Response("ab").body, "application/octet-stream"],
  ])("streams %s with the route's status", async (_, make, type) => {
    const response = toResponse(make(), { status: 206 }, request) as Response;
    expect(response.status).toBe(206);
    expect(response.headers.get("content-type")).toBe(type);
    expect(await response.text()).toBe("ab");
  });

  it("renders a deferred response for the request, with its own headers and its background", async () => {
    const task = new BackgroundTask(() => {});
    const deferred = withBackground(new Echo({ "x-a": "1" }), task);
    deferred.headers.set("x-b", "2");
    expect(deferred).toBeInstanceOf(Response);
    expect(isDeferred(deferred)).toBe(true);
    const response = await toResponse(deferred, ok, request);
    expect(isDeferred(response)).toBe(false);
    expect(response.status).toBe(203);
    expect(await response.text()).toBe("GET http://localhost/items");
    expect(Object.fromEntries(response.headers)).toMatchObject({ "x-a": "1", "x-b": "2" });
    expect(takeBackground(response)).toBe(task);
  });

  it("shows who sends an unrendered response elsewhere what is wrong", async () => {
    const deferred = new Echo(undefined);
    expect(deferred.status).toBe(500);
    expect(await deferred.text()).toContain("return it from an endpoint");
  });
});

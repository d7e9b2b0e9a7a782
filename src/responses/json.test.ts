import { describe, expect, it } from "vitest";
import { AfterwordError } from "../internal/afterword-error.ts";
import { BackgroundTask } from "../background/background-task.ts";
import { takeBackground } from "./attached-background.ts";
import { html } from "./html.ts";
import { json } from "./json.ts";
import { text } from "./text.ts";

const bytesOf = async (response: Response): Promise<string> => new TextDecoder().decode(await response.arrayBuffer());

function thrownBy(fn: () => unknown): AfterwordError {
  try {
    fn();
  } catch (error) {
    if (error instanceof AfterwordError) return error;
    throw error;
  }
  throw new Error("Nothing was thrown.");
}

describe("json", () => {
  it("has exactly the content type application/json and the status 200", async () => {
    const response = json({ message: "Zürich" });
    expect([...response.headers]).toEqual([["content-type", "application/json"]]);
    expect(response.status).toBe(200);
    expect(await bytesOf(response)).toBe('{"message":"Zürich"}');
  });

  it.each([
    [undefined, "null"],
    [null, "null"],
    ["a string", '"a string"'],
    [0, "0"],
    [{ gone: undefined, date: new Date(0) }, '{"date":"1970-01-01T00:00:00.000Z"}'],
  ])("writes %j as %s", async (content, expected) => {
    expect(await bytesOf(json(content))).toBe(expected);
  });

  it("takes a status, headers in any form, and a background", () => {
    const task = new BackgroundTask(() => {});
    const forms: HeadersInit[] = [
      { "X-Kind": "a", "Content-Type": "application/problem+json" },
      [
        ["X-Kind", "a"],
        ["Content-Type", "application/problem+json"],
      ],
      new Headers({ "X-Kind": "a", "Content-Type": "application/problem+json" }),
    ];
    for (const headers of forms) {
      const response = json({}, { status: 201, headers, background: task });
      expect(response.status).toBe(201);
      expect([...response.headers]).toEqual([
        ["content-type", "application/problem+json"],
        ["x-kind", "a"],
      ]);
      expect(takeBackground(response)).toBe(task);
    }
  });

  it("does not share headers that one response changes with others", () => {
    json({}).headers.set("content-type", "text/html");
    json({}).headers.set("x-leaked", "yes");
    expect([...json({}).headers]).toEqual([["content-type", "application/json"]]);
  });

  it.each([204, 205, 304])("has neither body nor content type with status %i", async (status) => {
    const response = json({ left: "out" }, { status, headers: { "x-kept": "yes" } });
    expect(response.body).toBeNull();
    expect([...response.headers]).toEqual([["x-kept", "yes"]]);
  });

  it.each([99, 101, 199, 600, 200.5, Number.NaN])("refuses the status %d", (status) => {
    expect(thrownBy(() => json({}, { status }))).toMatchObject({
      code: "invalid_status",
      message: expect.stringContaining("from 200 to 599"),
    });
  });

  it("says which property JSON cannot take, how to mend it, and keeps the cause", () => {
    const error = thrownBy(() => json({ user: { id: 7n } }));
    expect(error.code).toBe("unserializable_response");
    expect(error.message).toMatch(/the value of "id".*BigInt.*convert it with String\(\)/);
    expect(error.cause).toBeInstanceOf(TypeError);
  });

  it("refuses an object that contains itself, a function and a symbol", () => {
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    expect(thrownBy(() => json(circle))).toMatchObject({
      code: "unserializable_response",
      cause: expect.any(TypeError),
    });
    expect(thrownBy(() => json(() => 1)).message).toContain("JSON has no function");
    expect(thrownBy(() => json(Symbol("s"))).message).toContain("JSON has no symbol");
  });

  it("keeps what a toJSON method throws as the cause", () => {
    const cause = new Error("from toJSON");
    const content = {
      toJSON() {
        throw cause;
      },
    };
    expect(thrownBy(() => json(content)).cause).toBe(cause);
  });
});

describe("text and html", () => {
  it("have their content types with a charset", async () => {
    const plain = text("größer");
    expect([...plain.headers]).toEqual([["content-type", "text/plain; charset=utf-8"]]);
    expect(await bytesOf(plain)).toBe("größer");
    const page = html("<p>größer</p>", { status: 404 });
    expect([...page.headers]).toEqual([["content-type", "text/html; charset=utf-8"]]);
    expect(page.status).toBe(404);
    expect(await bytesOf(page)).toBe("<p>größer</p>");
  });

  it("take the String object that a template tag makes", async () => {
    expect(await bytesOf(html(Object("<b>safe</b>") as string))).toBe("<b>safe</b>");
  });
});

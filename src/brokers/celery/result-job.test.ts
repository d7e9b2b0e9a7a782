import { describe, expect, it } from "vitest";
import { toJob } from "./result-job.ts";

describe("a job of which no more than a result is known", () => {
  const stored = { record: {}, failures: [], log: [], nowMs: 0 };

  it.each(["no JSON", "[]", '{"status": 7}', '{"status": "SUCCESS"}'])("has failed when that is %s", (result) => {
    const { status, error } = toJob("1", { ...stored, result });
    expect(status).toBe("failed");
    expect(error).toMatchObject({ name: "UndecodableMessage", code: "undecodable" });
  });
});

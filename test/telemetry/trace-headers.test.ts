import { describe, expect, test } from "vitest";
import { readMeta, toJobHeaders } from "../../src/brokers/celery/job-headers.ts";
import { toCarriedJob } from "../../src/brokers/carried/carried-job.ts";
import { decodeJob, encodeJob } from "../../src/brokers/carried/job-message.ts";
import { createTaskMessage } from "../../src/celery/message.ts";
import { createSampleJob } from "../../src/testing/describe-broker/sample-job.ts";

const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const newer = "00-4bf92f3577b34da6a3ce929d0e0e4736-1111111111111111-01";
const tracestate = "vendor=1";
const meta = { requestId: "r-1", traceparent, tracestate };

describe("the headers of Celery's messages", () => {
  test("carry the trace at the top level, where Celery's tracers look", () => {
    expect(toJobHeaders(createSampleJob({ meta }))).toMatchObject({ traceparent, tracestate });
    expect(toJobHeaders(createSampleJob())).not.toHaveProperty("traceparent");
  });

  test("give the trace of a message from Python, and that of the last sender of one of ours", () => {
    const foreign = createTaskMessage({ id: "1", task: "x", headers: { traceparent, tracestate } });
    expect(readMeta(foreign)).toEqual({ traceparent, tracestate });
    const headers = toJobHeaders(createSampleJob({ meta }));
    expect(readMeta(createTaskMessage({ id: "1", task: "x", headers }))).toEqual(meta);
    const sentOn = createTaskMessage({
      id: "1",
      task: "x",
      headers: { ...headers, traceparent: newer, tracestate: null },
    });
    expect(readMeta(sentOn)).toEqual({ requestId: "r-1", traceparent: newer });
    expect(readMeta(createTaskMessage({ id: "1", task: "x", headers: { traceparent: 5 } }))).toEqual({});
  });
});

describe("the headers of RabbitMQ's messages", () => {
  test("carry the trace of a job, and give that of a message from Python", () => {
    const message = encodeJob(toCarriedJob(createSampleJob({ meta }), 0));
    expect(message.headers).toMatchObject({ traceparent, tracestate });
    expect(decodeJob(message, "default", 5).job.meta).toEqual(meta);
    const sentOn = { ...message, headers: { ...message.headers, traceparent: newer } };
    expect(decodeJob(sentOn, "default", 5).job.meta).toEqual({ ...meta, traceparent: newer });
    const foreign = {
      headers: { id: "1", task: "x", lang: "py", retries: 0, traceparent },
      properties: { contentType: "application/json", contentEncoding: "utf-8" },
      body: Buffer.from('[[], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]'),
    };
    expect(decodeJob(foreign, "default", 5).job.meta).toEqual({ traceparent });
  });
});

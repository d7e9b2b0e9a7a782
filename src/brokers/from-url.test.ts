import { afterEach, expect, test, vi } from "vitest";
import { brokerFromUrl } from "./from-url.ts";

afterEach(() => vi.unstubAllEnvs());

test.each([
  ["memory:", "memory"],
  ["sqlite:tasks.db", "sqlite"],
  ["redis://127.0.0.1:6379", "redis"],
  ["rediss://127.0.0.1:6379", "redis"],
  ["postgres://127.0.0.1/app", "postgres"],
  ["postgresql://127.0.0.1/app", "postgres"],
  ["amqp://127.0.0.1", "rabbitmq"],
  ["amqps://127.0.0.1", "rabbitmq"],
  ["celery+redis://127.0.0.1:6379/0", "celery"],
  ["celery+rediss://127.0.0.1:6379/0", "celery"],
  ["celery+amqp://127.0.0.1", "celery"],
  ["celery+amqps://127.0.0.1", "celery"],
])("%s names the broker %s", (url, name) => {
  expect(brokerFromUrl(url, "AFTERWORD_BROKER").name).toBe(name);
});

test("AFTERWORD_RESULTS is where Celery's results are, and must name a place that it can have", () => {
  vi.stubEnv("AFTERWORD_RESULTS", "redis://127.0.0.1:6379/1");
  expect(brokerFromUrl("celery+amqp://127.0.0.1", "AFTERWORD_BROKER").name).toBe("celery");
  vi.stubEnv("AFTERWORD_RESULTS", "postgres://127.0.0.1/app");
  expect(() => brokerFromUrl("celery+amqp://127.0.0.1", "AFTERWORD_BROKER")).toThrow(/results.*rpc:\/\//s);
});

test.each(["tasks.db", "mysql://127.0.0.1", "celery://127.0.0.1", "constructor:", ""])(
  "%j names none, and is told so",
  (url) => {
    expect(() => brokerFromUrl(url, "AFTERWORD_BROKER")).toThrow(
      /AFTERWORD_BROKER must name a broker, such as sqlite:tasks\.db/,
    );
  },
);

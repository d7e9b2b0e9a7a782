// A broker whose jobs are nowhere but in messages: what asks it for the state of a job is told so, early and how to mend it.
import { accepted, App, BackgroundTasks, Client, memory, task, taskRoutes, type Ability, type Broker } from "afterword";
import { TestClient } from "afterword/testing";
import { expect, test, vi } from "vitest";
import { keepTidy } from "../support/tidy.ts";

keepTidy();

const send = task("no-results.send", async (to: string) => `sent to ${to}`);

function messages(): Broker {
  const supports: ReadonlySet<Ability> = new Set<Ability>(["delay", "priority"]);
  return Object.defineProperties(memory(), { name: { value: "messages" }, supports: { value: supports } });
}

const wayOut =
  'needs the ability "results", which the broker messages does not have. Let another broker keep the state of its jobs: messages(url, { results: sqlite("tasks.db") }), or AFTERWORD_RESULTS=sqlite:tasks.db in the environment. Otherwise do without taskRoutes()';

test("an app with taskRoutes() does not start, and says which ability it needs", async () => {
  const app = new App({ broker: messages() });
  app.include(taskRoutes());
  await expect(app.open()).rejects.toMatchObject({
    code: "unsupported",
    message: expect.stringContaining(`taskRoutes() (/tasks/:id) ${wayOut}`),
  });
});

test("an app with a schedule does not start, also where it only serves", async () => {
  const app = new App({ broker: messages(), worker: false });
  app.schedule("nightly", "0 3 * * *", send, ["ada"]);
  await expect(app.open()).rejects.toMatchObject({
    code: "unsupported",
    message: expect.stringMatching(
      /^Schedule "nightly" needs the ability "schedule".*Let another broker keep.*Otherwise let a cron job/,
    ),
  });
});

test("a 202 has no Location, and nobody is told to add routes that cannot be", async () => {
  const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  const app = new App({ broker: messages() });
  app.post("/mails/:to", { tasks: BackgroundTasks }, ({ tasks }) => accepted(tasks.addTask(send, "ada")));
  await using client = new TestClient(app);
  const response = await client.post("/mails/ada");
  expect(response.status).toBe(202);
  expect(response.headers.get("location")).toBe(null);
  expect(await response.json()).toEqual({ id: expect.any(String), status: "queued" });
  // On a busy machine Node may warn of other things.
  expect(warn.mock.calls.filter(([warning]) => String(warning).includes("Location"))).toEqual([]);
  warn.mockRestore();
});

test("result() rejects at once instead of waiting for ever, and done tells why", async () => {
  await using client = new Client({ broker: messages() });
  const job = await send.enqueue("ada");
  await expect(job.result()).rejects.toMatchObject({
    code: "unsupported",
    message: expect.stringContaining(`Waiting for the end of a job ${wayOut}`),
  });
  await expect(client.job(job.id).result()).rejects.toMatchObject({ code: "unsupported" });
  expect(await job.done).toMatchObject({ status: "lost", reason: expect.stringContaining('the ability "results"') });
});

import { AppFolder, type RunningCommand } from "./app-folder.ts";

/** Its answer comes from another file; its task ends when a file called gate is there. */
export const devApp = `
import { existsSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { App, BackgroundTasks } from "afterword";
import { answer } from "./answer.ts";

const app = new App({
  async *lifespan() {
    console.log("lifespan starts");
    yield;
    console.log("lifespan ends");
  },
});

async function work() {
  console.log("task starts");
  while (!existsSync("gate")) await delay(5);
  console.log("task ends");
}

app.get("/", {}, () => ({ answer, secret: process.env["SECRET"] ?? null, pid: process.pid }));
app.post("/work", { tasks: BackgroundTasks }, ({ tasks }) => {
  tasks.addTask(work);
  return { pid: process.pid };
});
app.get("/stream", {}, async function* () {
  for (;;) {
    yield "tick\\n";
    await delay(50);
  }
});
app.post("/files", {}, () => {
  for (const name of ["app.db", "app.db-wal", "state.json", "other.ts"]) writeFileSync(name, "1");
  return {};
});

export default app;
`;

/** The other file. */
export function answer(text: string): string {
  return `export const answer = ${text};\n`;
}

export interface Answer {
  readonly answer: unknown;
  readonly secret: unknown;
  readonly pid: number;
}

/** An app that is served for development, at the first port that is free. */
export async function serveForDevelopment(
  files: Readonly<Record<string, string>> = {},
): Promise<{ folder: AppFolder; dev: RunningCommand; url: string }> {
  const folder = await AppFolder.create({ "app.ts": devApp, "answer.ts": answer("1"), ...files });
  const dev = folder.start(["dev", "app.ts", "--port", "0"]);
  return { folder, dev, url: await dev.serving() };
}

import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { startCli } from "../support/cli.ts";
import type { ChildApp } from "../support/child-app.ts";
import { createTempDirectory } from "../support/temp-directory.ts";
import { waitUntil } from "../support/wait-until.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A process has this long to start, on a machine that runs other tests at the same time. */
export const readyMs = 30_000;

/** A project of a user: a folder somewhere, in which "afterword" is installed. */
export class AppFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  static async create(files: Readonly<Record<string, string>>): Promise<AppFolder> {
    const folder = new AppFolder(await createTempDirectory());
    await mkdir(join(folder.path, "node_modules"));
    await symlink(root, join(folder.path, "node_modules/afterword"), "dir");
    await folder.write("package.json", '{ "type": "module" }\n');
    for (const [name, text] of Object.entries(files)) await folder.write(name, text);
    return folder;
  }

  async write(name: string, text = ""): Promise<void> {
    const path = join(this.path, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }

  /** Saves as many editors do: the new text is written beside, and takes the place of the old. */
  async replace(name: string, text: string): Promise<void> {
    await this.write(`.${name}.swp`, text);
    await rename(join(this.path, `.${name}.swp`), join(this.path, name));
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.path, name));
  }

  start(args: readonly string[], env: Readonly<Record<string, string>> = {}): RunningCommand {
    return new RunningCommand(startCli(args, { cwd: this.path, env }));
  }
}

/** A command that serves. */
export class RunningCommand {
  readonly process: ChildApp;

  constructor(process: ChildApp) {
    this.process = process;
  }

  /** The URL it serves at, once it has said so that many times. */
  async serving(times = 1): Promise<string> {
    await waitUntil(() => this.servings.length >= times, {
      withinMs: readyMs,
      what: `it serves for time ${times}`,
    }).catch((error: Error) => {
      throw new Error(`${error.message}\nstdout:\n${this.process.stdout}\nstderr:\n${this.process.stderr}`);
    });
    return this.servings[times - 1]!;
  }

  /** The URLs of each start. */
  get servings(): readonly string[] {
    return Array.from(this.process.stdout.matchAll(/^Serving at (\S+)/gm), ([, url]) => url!);
  }

  /** What it has said about changes. */
  get changes(): readonly string[] {
    return this.process.lines.filter((line) => / (has|have) changed\.$/.test(line));
  }

  async complaint(pattern: RegExp): Promise<void> {
    await waitUntil(() => pattern.test(this.process.stderr), {
      withinMs: readyMs,
      what: `${pattern} is in its standard error`,
    }).catch((error: Error) => {
      throw new Error(`${error.message}\nstdout:\n${this.process.stdout}\nstderr:\n${this.process.stderr}`);
    });
  }
}

/** What an app answers, each time over a connection of its own. */
export async function ask<T>(url: string, path = "/", method = "GET"): Promise<T> {
  const response = await fetch(new URL(path, url), { method, headers: { connection: "close" } });
  return (await response.json()) as T;
}

/** Whether a process is alive. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

import { execFile, spawn, type ChildProcess } from "node:child_process";
import { cp, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { root } from "../docs/read-blocks.ts";
import { freePort } from "../support/free-port.ts";
import { waitUntil, within } from "../support/wait-until.ts";

const run = promisify(execFile);
const folder = join(root, ".cache/next-app");
const next = join(root, "node_modules/next/dist/bin/next");
const env = { ...process.env, NODE_ENV: "production", NODE_OPTIONS: "", NEXT_TELEMETRY_DISABLED: "1" } as const;

/**
 * The example and the suite's routes in one app, with the package as its user would have it: compiled, among its modules. The
 * folder is inside of this one, where Next and the others are found.
 */
export async function buildNextApp(): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, "node_modules/afterword"), { recursive: true });
  await cp(join(root, "examples/frameworks/next"), folder, { recursive: true });
  await cp(join(root, "test/adapters/fixtures/next"), folder, { recursive: true });
  // Without one it would be a part of this package, and "afterword" what was built here last.
  await writeFile(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  await cp(join(root, "package.json"), join(folder, "node_modules/afterword/package.json"));
  // Next asks the compiler for its settings, and version 7 has no API for that.
  await symlink(join(root, "node_modules/typescript-5"), join(folder, "node_modules/typescript"));
  const dist = join(folder, "node_modules/afterword/dist");
  await run(process.execPath, ["scripts/build.ts", "--out", dist], { cwd: root });
  try {
    await run(process.execPath, [next, "build"], { cwd: folder, env });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`next build failed:\n${stdout}\n${stderr}`, { cause: error });
  }
}

export class NextServer {
  readonly port: number;
  readonly exited: Promise<number | null>;
  output = "";
  readonly #child: ChildProcess;

  private constructor(port: number, settings: Readonly<Record<string, string>>) {
    this.port = port;
    this.#child = spawn(process.execPath, [next, "start", "--port", String(port), "--hostname", "127.0.0.1"], {
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...env, ...settings },
    });
    for (const stream of [this.#child.stdout!, this.#child.stderr!])
      stream.setEncoding("utf8").on("data", (text: string) => (this.output += text));
    this.exited = new Promise((resolve) => this.#child.once("close", resolve));
  }

  static async start(settings: Readonly<Record<string, string>>): Promise<NextServer> {
    const server = new NextServer(await freePort(), settings);
    const isUp = (): Promise<boolean> =>
      fetch(server.url).then(
        () => true,
        () => false,
      );
    await waitUntil(() => server.#child.exitCode !== null || isUp(), { withinMs: 60_000, what: "Next serves" });
    if (server.#child.exitCode !== null) throw new Error(`next start ended:\n${server.output}`);
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** As an operator ends it. @returns resolves with the exit code */
  stop(): Promise<number | null> {
    this.#child.kill("SIGTERM");
    return within(this.exited, 60_000, "the end of next start");
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.exited;
  }
}

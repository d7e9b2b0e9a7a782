import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { toEnvironment, type FixtureSettings } from "./settings.ts";

export type ProcessState = "starting" | "ready" | "stopped" | "ended";

/** A server or a worker: one start of it. */
export class ChaosProcess {
  readonly settings: FixtureSettings;
  readonly startedAt: number = Date.now();
  state: ProcessState = "starting";
  port = 0;
  /** Since when it serves without interruption. */
  readyAt = Infinity;
  /** Whether it runs jobs. */
  get hasSlots(): boolean {
    return this.settings.slots > 0;
  }

  /** Whether it was ended by us. */
  isKilled = false;
  stderr = "";
  /** Whether it became ready before it ended. */
  readonly ready: Promise<boolean>;
  readonly exited: Promise<void>;
  readonly #child: ChildProcess;

  constructor(fixture: "server" | "worker", settings: FixtureSettings) {
    this.settings = settings;
    const file = fileURLToPath(new URL(`./fixtures/${fixture}.ts`, import.meta.url));
    const child = spawn(process.execPath, ["--conditions=afterword-source", "--expose-gc", file], {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      env: { ...process.env, NODE_OPTIONS: "", ...toEnvironment(settings) },
    });
    this.#child = child;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.ready = promise;
    let stdout = "";
    child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      const found = /^ready (\d+)$/m.exec(stdout);
      if (found === null || this.state !== "starting") return;
      this.port = Number(found[1]);
      this.state = "ready";
      this.readyAt = Date.now();
      resolve(true);
    });
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.stderr = (this.stderr + text).slice(-4_000);
    });
    child.on("error", () => {});
    this.exited = new Promise((exited) => {
      child.once("close", () => {
        this.state = "ended";
        resolve(false);
        exited();
      });
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  async kill(): Promise<void> {
    this.isKilled = true;
    this.#child.kill("SIGKILL");
    await this.exited;
  }

  /** All of its threads stand still, as if the machine had forgotten them. */
  stop(): void {
    this.#child.kill("SIGSTOP");
    if (this.state === "ready") this.state = "stopped";
  }

  continue(): void {
    this.#child.kill("SIGCONT");
    if (this.state !== "stopped") return;
    this.state = "ready";
    this.readyAt = Date.now();
  }
}

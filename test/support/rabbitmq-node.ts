import { execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { connect } from "amqplib";
import { freePort } from "./free-port.ts";
import { programOf } from "./programs.ts";
import { waitUntil } from "./wait-until.ts";

const run = promisify(execFile);

export const rabbitmqPrograms = ["rabbitmq-server", "rabbitmqctl"] as const;

/** How a node of RabbitMQ is run: everything that it writes is in one folder. */
export interface RabbitmqNodePlan {
  readonly url: string;
  readonly port: number;
  readonly program: string;
  /** Of the server, and of the programs that ask it for something. */
  readonly env: Readonly<Record<string, string>>;
}

/** @param folder - an empty one */
export async function planRabbitmqNode(folder: string): Promise<RabbitmqNodePlan> {
  const port = await freePort();
  await mkdir(join(folder, "home"));
  await writeFile(join(folder, "env.conf"), "");
  await writeFile(join(folder, "plugins"), "[].");
  // When a node starts, its queues are there before its exchanges. What a quorum queue was to pass on at that moment it tries again
  // when it has had no confirm for so long, which is three minutes otherwise.
  await writeFile(
    join(folder, "advanced.config"),
    "[{rabbit, [{dead_letter_worker_publisher_confirm_timeout, 1000}]}].",
  );
  // The tests make room on the disk by themselves, and fill the memory on purpose only.
  await writeFile(
    join(folder, "rabbitmq.conf"),
    "disk_free_limit.absolute = 1MB\nvm_memory_high_watermark.relative = 0.9\n",
  );
  return {
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    port,
    program: programOf("rabbitmq-server"),
    env: {
      // Where the secret is kept by which its programs know each other.
      HOME: join(folder, "home"),
      LANG: "C.UTF-8",
      ERL_EPMD_ADDRESS: "127.0.0.1",
      RABBITMQ_NODENAME: `afterword-${port}@localhost`,
      RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
      RABBITMQ_NODE_PORT: String(port),
      RABBITMQ_DIST_PORT: String(await freePort()),
      RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, "advanced.config"),
      RABBITMQ_CONFIG_FILE: join(folder, "rabbitmq"),
      RABBITMQ_CONF_ENV_FILE: join(folder, "env.conf"),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, "plugins"),
      RABBITMQ_GENERATED_CONFIG_DIR: join(folder, "generated"),
      RABBITMQ_MNESIA_BASE: join(folder, "data"),
      RABBITMQ_LOG_BASE: join(folder, "log"),
      RABBITMQ_PID_FILE: join(folder, "pid"),
      // The program becomes the server, so that signals reach it.
      RUNNING_UNDER_SYSTEMD: "true",
    },
  };
}

/** Whether it does what it is asked. */
export async function answersAmqp(url: string): Promise<boolean> {
  try {
    const model = await connect(url, { timeout: 1_000 });
    model.on("error", () => {});
    void model.close().catch(() => {});
    return true;
  } catch {
    return false;
  }
}

/** A node of RabbitMQ of its own, which may be stopped, frozen and killed. */
export class RabbitmqNode {
  readonly #plan: RabbitmqNodePlan;
  readonly #folder: string;
  #process: ChildProcess | undefined;
  #log = "";

  /** Takes some seconds: one is enough for a file of tests. */
  static async start(): Promise<RabbitmqNode> {
    const folder = await mkdtemp(join(tmpdir(), "afterword-rabbitmq-"));
    const node = new RabbitmqNode(folder, await planRabbitmqNode(folder));
    await node.start();
    return node;
  }

  private constructor(folder: string, plan: RabbitmqNodePlan) {
    this.#folder = folder;
    this.#plan = plan;
  }

  get url(): string {
    return this.#plan.url;
  }

  get port(): number {
    return this.#plan.port;
  }

  /** Of the server's process, while it runs. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Where everything is that it writes. */
  get folder(): string {
    return this.#folder;
  }

  /** Does nothing when it runs. */
  async start(): Promise<void> {
    if (this.#process !== undefined && !hasEnded(this.#process)) return;
    const child = spawn(this.#plan.program, [], {
      cwd: this.#folder,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...this.#plan.env },
    });
    this.#process = child;
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => (this.#log = (this.#log + text).slice(-4_000)));
    child.on("error", (error) => (this.#log += String(error)));
    await waitUntil(
      () => {
        if (hasEnded(child)) throw new Error(`The node of RabbitMQ has ended:\n${this.#log}`);
        return answersAmqp(this.url);
      },
      { withinMs: 60_000, what: "the node of RabbitMQ answers" },
    );
  }

  /** In good order. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** In the middle of what it does. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Connections stand, and nothing is answered. */
  freeze(): void {
    this.#process?.kill("SIGSTOP");
  }

  continue(): void {
    this.#process?.kill("SIGCONT");
  }

  /** The broker within the node ends: connections are told so, and new ones refused. */
  async stopApp(): Promise<void> {
    await this.control("stop_app");
  }

  async startApp(): Promise<void> {
    await this.control("start_app");
  }

  /** Runs `rabbitmqctl`. @returns what it prints */
  async control(...values: readonly string[]): Promise<string> {
    const { stdout } = await run(programOf("rabbitmqctl"), ["--quiet", ...values], {
      cwd: this.#folder,
      env: { ...process.env, ...this.#plan.env },
      timeout: 60_000,
    });
    return stdout;
  }

  async dispose(): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (child === undefined || hasEnded(child)) return;
    child.kill(signal);
    // One that stands still does not hear that it is to end.
    child.kill("SIGCONT");
    await waitUntil(() => hasEnded(child), { withinMs: 30_000, what: "the node of RabbitMQ has ended" });
  }
}

function hasEnded({ exitCode, signalCode, pid }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null;
}

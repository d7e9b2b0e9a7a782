import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrokerSetup, WorkerProcess } from "./options.ts";
import { scriptVariable, type WorkerScript } from "./scripted-worker.ts";
import { waitUntil } from "./wait.ts";
import { readJournal, type JournalEntry } from "./worker-journal.ts";

/** How long a process may take to start or to end. */
const processMs = 15_000;

interface SpawnOptions extends Omit<WorkerScript, "journal"> {
  readonly patienceMs: number;
}

/** A worker in a process of its own. */
export class SpawnedWorker {
  readonly #process: WorkerProcess;
  readonly #journal: string;
  readonly #patienceMs: number;

  constructor(process: WorkerProcess, journal: string, patienceMs: number) {
    this.#process = process;
    this.#journal = journal;
    this.#patienceMs = patienceMs;
  }

  get hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  get journal(): readonly JournalEntry[] {
    return readJournal(this.#journal);
  }

  /** Whether it has noted such an event, about that job if one is given. */
  has(event: JournalEntry["event"], id?: string): boolean {
    return this.journal.some(
      (entry) => entry.event === event && (id === undefined || ("id" in entry && entry.id === id)),
    );
  }

  async until(event: JournalEntry["event"], id?: string): Promise<void> {
    const what = `the worker process has noted "${event}"`;
    await waitUntil(() => this.has(event, id), this.#patienceMs, what).catch((error: unknown) => {
      throw new Error(`${String(error)} Its journal: ${JSON.stringify(this.journal)}`, { cause: error });
    });
  }

  async untilReady(): Promise<void> {
    await waitUntil(() => this.has("ready") || this.hasEnded, processMs, "the worker process is ready");
    if (this.hasEnded) throw new Error(`The worker process ended with ${this.#end} before it was ready.`);
  }

  async untilEnded(): Promise<void> {
    await waitUntil(() => this.hasEnded, processMs, "the worker process has ended");
  }

  signal(name: "SIGSTOP" | "SIGCONT" | "SIGTERM"): void {
    this.#process.kill(name);
  }

  async kill(): Promise<void> {
    if (!this.hasEnded) this.#process.kill("SIGKILL");
    await this.untilEnded();
  }

  get #end(): string {
    return this.#process.signalCode ?? `exit code ${this.#process.exitCode}`;
  }
}

/** The worker processes of one test. */
export class SpawnedWorkers {
  readonly #workers: SpawnedWorker[] = [];
  #folder: string | undefined = undefined;

  async start(spawn: NonNullable<BrokerSetup["spawnWorker"]>, options: SpawnOptions): Promise<SpawnedWorker> {
    const { patienceMs, ...script } = options;
    this.#folder ??= await mkdtemp(join(tmpdir(), "afterword-workers-"));
    const journal = join(this.#folder, `${this.#workers.length}.jsonl`);
    await writeFile(journal, "");
    const env = { [scriptVariable]: JSON.stringify({ ...script, journal } satisfies WorkerScript) };
    const worker = new SpawnedWorker(await spawn(env), journal, patienceMs);
    this.#workers.push(worker);
    await worker.untilReady();
    return worker;
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.kill()));
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }
}

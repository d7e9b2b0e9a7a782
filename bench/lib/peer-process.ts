import { fork, type ChildProcess } from "node:child_process";
import { atExit } from "./at-exit.ts";
import { BenchError } from "./question.ts";

/** A program of `peers/` that is told numbers and answers each with one, over the channel of `fork`. */
export class PeerProcess {
  readonly #name: string;
  readonly #child: ChildProcess;
  #output = "";

  /** Starts it and waits until it says that it is ready. */
  static async start(file: string, args: readonly string[], flags: readonly string[] = []): Promise<PeerProcess> {
    const peer = new PeerProcess(file, args, flags);
    await peer.#next();
    return peer;
  }

  private constructor(file: string, args: readonly string[], flags: readonly string[]) {
    this.#name = args.join(", ");
    this.#child = fork(file, args, {
      execArgv: ["--conditions=afterword-source", ...flags],
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      env: { ...process.env, NODE_ENV: "production" },
    });
    this.#child.once(
      "exit",
      atExit(() => this.#child.kill("SIGKILL")),
    );
    for (const stream of [this.#child.stdout!, this.#child.stderr!])
      stream.setEncoding("utf8").on("data", (text: string) => (this.#output = (this.#output + text).slice(-4_000)));
  }

  /** @throws {BenchError} with what it wrote, when it ends instead */
  async ask(value: number): Promise<number> {
    this.#child.send(value);
    return Number(await this.#next());
  }

  #next(): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const failed = (): void =>
      reject(new BenchError(`${this.#name} has ended. It wrote:\n${this.#output || "nothing"}`));
    this.#child.once("close", failed);
    this.#child.once("message", (message) => {
      this.#child.off("close", failed);
      resolve(message);
    });
    return promise;
  }

  stop(): void {
    this.#child.kill("SIGKILL");
  }
}

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { exactCpuTime } from "./cpu-time.ts";
import { sharedNowMs } from "./latency.ts";
import { BenchError } from "./question.ts";
import { findFreePort, type Command } from "./server-process.ts";

/** How a process started. Milliseconds since it was asked for. */
export interface Start {
  readonly importedMs: number;
  readonly answeredMs: number;
  /** CPU that it had used until then, user and system. */
  readonly importedCpuMs: number;
  readonly answeredCpuMs: number;
}

/** The addresses of the modules that a process has loaded. */
export interface LoadedModules {
  /** By its import. */
  readonly imported: readonly string[];
  /** By then and until its first answer. */
  readonly answered: readonly string[];
}

const answerWithinMs = 20_000;
const request =
  "POST /send-notification/foo@example.com HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const answer = /^HTTP\/1\.1 200 [^]*\r\n\r\n[^]*\{"message": ?"Message sent"\}/;

/** Starts a program of peers/start.ts, asks it as soon as it listens, and ends it. */
export async function measureStart(
  name: string,
  toCommand: (port: number) => Command,
): Promise<{ start: Start; modules: LoadedModules }> {
  const port = await findFreePort();
  const { command, args, env } = toCommand(port);
  const startedMs = sharedNowMs();
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NODE_ENV: "production", ...env },
    timeout: answerWithinMs,
    killSignal: "SIGKILL",
  });
  const exited = once(child, "exit");
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  try {
    const told = new Told(child);
    const importedAtMs = Number(await told.until("imported")) / 1_000_000;
    const importedCpu = exactCpuTime(child.pid!);
    const imported = told.modules.length;
    await ask(port);
    const answeredAtMs = sharedNowMs();
    const answeredCpu = exactCpuTime(child.pid!);
    await told.until("task");
    return {
      start: {
        importedMs: importedAtMs - startedMs,
        answeredMs: answeredAtMs - startedMs,
        importedCpuMs: importedCpu / 1_000_000,
        answeredCpuMs: answeredCpu / 1_000_000,
      },
      modules: { imported: told.modules.slice(0, imported), answered: told.modules },
    };
  } catch (error) {
    throw new BenchError(`${name} did not start and answer: ${(error as Error).message}\n${errors}`, { cause: error });
  } finally {
    child.kill("SIGKILL");
    await exited;
  }
}

/** What a process tells on its stdout, a word and a value a line. */
class Told {
  readonly modules: string[] = [];
  readonly #child: ChildProcess;
  readonly #words = new Map<string, string>();
  #rest = "";

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      const lines = (this.#rest + text).split("\n");
      this.#rest = lines.pop()!;
      for (const line of lines) {
        const [word, value = ""] = line.split(" ");
        if (word === "module") this.modules.push(value);
        else this.#words.set(word!, value);
      }
      child.emit("told");
    });
  }

  async until(word: string): Promise<string> {
    const ended = once(this.#child, "close").then(() => "ended" as const);
    while (!this.#words.has(word))
      if ((await Promise.race([once(this.#child, "told"), ended])) === "ended" && !this.#words.has(word))
        throw new Error(`it ended before its ${word}.`);
    return this.#words.get(word)!;
  }
}

/** Looks every millisecond whether somebody listens, and then asks once. */
async function ask(port: number): Promise<void> {
  const deadline = sharedNowMs() + answerWithinMs;
  for (;;) {
    const socket = connect(port, "127.0.0.1");
    try {
      await once(socket, "connect");
    } catch (error) {
      if (sharedNowMs() > deadline) throw error;
      await sleep(1);
      continue;
    }
    return await answerOf(socket);
  }
}

async function answerOf(socket: Socket): Promise<void> {
  let text = "";
  socket.setEncoding("utf8");
  socket.write(request);
  for await (const chunk of socket) {
    text += chunk as string;
    if (answer.test(text)) return;
  }
  throw new Error(`it answered ${JSON.stringify(text)}.`);
}

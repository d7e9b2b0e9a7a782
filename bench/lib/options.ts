import { parseArgs } from "node:util";
import { BenchError } from "./question.ts";

/** How to measure. */
export interface BenchOptions {
  /** The questions to ask; none means all. */
  readonly names: readonly string[];
  /** Rounds that count. */
  readonly rounds: number;
  /** Rounds before those, which do not. */
  readonly warmUps: number;
  /** How long each server is loaded in each round. */
  readonly seconds: number;
  readonly connections: number;
  /** The rows or parts to measure; none means all. */
  readonly only: ReadonlySet<string>;
  /** Whether to see only that everything works. */
  readonly quick: boolean;
  /** Whether docs/benchmarks.md gets the figures and plots. */
  readonly book: boolean;
}

const defaults = { rounds: 5, seconds: 3, connections: 50 };

/** @throws {BenchError} for what cannot be understood */
export function readOptions(args: readonly string[]): BenchOptions | "help" {
  const { values, positionals } = parse(args);
  if (values.help) return "help";
  const quick = values.quick ?? false;
  return {
    names: positionals,
    rounds: toCount("rounds", values.rounds) ?? (quick ? 1 : defaults.rounds),
    warmUps: quick ? 0 : 1,
    seconds: toCount("seconds", values.seconds) ?? (quick ? 1 : defaults.seconds),
    connections: toCount("connections", values.connections) ?? defaults.connections,
    only: new Set((values.only ?? "").split(",").filter((name) => name !== "")),
    quick,
    book: toBook(values.book ?? false, quick),
  };
}

export function helpText(questions: readonly { name: string; asks: string }[]): string {
  return `Usage: npm run bench -- [question …] [options]

Questions (all of them when none is named)
${questions.map(({ name, asks }) => `  ${name.padEnd(16)}${asks}`).join("\n")}

Options
  --rounds n      rounds that count, interleaved A B C A B C …, after one warm-up (${defaults.rounds})
  --seconds n     load per server and round (${defaults.seconds})
  --connections n open connections to a server (${defaults.connections})
  --only a,b      only these rows or parts: --only bare,afterword,p1
  --quick         one short round, no warm-up: does it all still work?
  --book          write tables and plots into docs/benchmarks.md as well
  --help          this

Tables go to stdout, all figures to bench/results/<question>.json (<question>.quick.json with --quick).
Figures of different runs cannot be compared, only ratios within one.`;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        rounds: { type: "string" },
        seconds: { type: "string" },
        connections: { type: "string" },
        only: { type: "string" },
        quick: { type: "boolean" },
        book: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw new BenchError(`${(error as Error).message} See --help.`, { cause: error });
  }
}

function toBook(book: boolean, quick: boolean): boolean {
  if (book && quick)
    throw new BenchError("--book and --quick exclude each other: a quick run says nothing about speed.");
  return book;
}

function toCount(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,5}$/.test(text))
    throw new BenchError(`--${name} must be a whole number of 1 or more, but got "${text}".`);
  return Number(text);
}

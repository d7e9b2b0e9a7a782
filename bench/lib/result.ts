import { mkdirSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Machine } from "./machine.ts";
import type { BenchOptions } from "./options.ts";
import type { Answer } from "./question.ts";

const folder = fileURLToPath(new URL("../results/", import.meta.url));

/** @returns the path of the JSON file, from here */
export function writeResult(name: string, answer: Answer, options: BenchOptions, machine: Machine): string {
  const { rounds, warmUps, seconds, connections, only, quick } = options;
  const file = `${folder}${name}${quick ? ".quick" : ""}.json`;
  const result = {
    question: name,
    date: new Date().toISOString(),
    command: ["npm run bench --", ...process.argv.slice(2)].join(" "),
    machine,
    options: { rounds, warmUps, seconds, connections, only: [...only], quick },
    skipped: answer.skipped,
    targets: answer.targets,
    data: answer.data,
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, `${JSON.stringify(result, undefined, 2)}\n`);
  return relative(process.cwd(), file);
}

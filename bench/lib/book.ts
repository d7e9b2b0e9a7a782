import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import type { Machine } from "./machine.ts";
import { drawPlot } from "./plot.ts";
import { BenchError, type Answer } from "./question.ts";
import { toMarkdown } from "./table.ts";

const docs = fileURLToPath(new URL("../../docs/", import.meta.url));
const book = `${docs}benchmarks.md`;
const plots = "benchmarks";

/**
 * Puts what was measured in its place in docs/benchmarks.md, between `<!-- bench:http -->` and `<!-- /bench:http -->`, and draws its
 * plots. Without such a place the book gets one at its end. What stands outside of these lines is written by people.
 *
 * @param asks - the question, for a heading
 * @throws {BenchError} when one of the two lines is missing
 */
export function writeIntoBook(name: string, asks: string, answer: Answer, machine: Machine): void {
  const [begin, end] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
  const known = readFileSync(book, "utf8");
  const text = known.includes(begin) || known.includes(end) ? known : `${known}\n## ${asks}\n\n${begin}\n${end}\n`;
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from === -1 || to < from) throw new BenchError(`docs/benchmarks.md must have both lines: ${begin} … ${end}`);
  const section = toSection(name, answer, machine);
  writeFileSync(book, `${text.slice(0, from + begin.length)}\n\n${section}\n\n${text.slice(to)}`);
}

function toSection(name: string, answer: Answer, machine: Machine): string {
  const command = ["npm run bench --", ...process.argv.slice(2).filter((argument) => argument !== "--book")].join(" ");
  const date = new Date().toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric" });
  const memory = `${Math.round(machine.memoryBytes / 2 ** 30)} GiB`;
  return [
    `\`${command}\`, ${date}: ${machine.cores} cores of ${machine.cpu}, ${memory}, ${machine.system}, Node ${machine.node}; load at the end ${loadavg()[1]!.toFixed(1)}.`,
    ...answer.tables.flatMap((table, index) => [
      `**${table.title}**`,
      toMarkdown(table),
      ...drawn(`${name}-${index + 1}`, drawPlot(table), table.title),
    ]),
    ...answer.notes,
    ...(answer.targets.length === 0
      ? []
      : [
          toMarkdown({
            head: ["target", "reached"],
            rows: answer.targets.map(({ text, value, isMet }) => [text, `${isMet ? "yes" : "**no**"}: ${value}`]),
          }),
        ]),
    ...answer.skipped.map((skipped) => `Not measured: ${skipped}`),
  ].join("\n\n");
}

function drawn(name: string, svg: string | undefined, title: string): string[] {
  if (svg === undefined) return [];
  mkdirSync(docs + plots, { recursive: true });
  writeFileSync(`${docs}${plots}/${name}.svg`, svg);
  return [`![${title}](${plots}/${name}.svg)`];
}

// Runs benchmarks: `npm run bench -- http`, or `node --conditions=afterword-source bench/run.ts http`.
import { writeIntoBook } from "./lib/book.ts";
import { describeMachine } from "./lib/machine.ts";
import { helpText, readOptions } from "./lib/options.ts";
import { BenchError, type Answer, type Question } from "./lib/question.ts";
import { writeResult } from "./lib/result.ts";
import { formatTable } from "./lib/table.ts";
import { questions } from "./questions.ts";

try {
  const options = readOptions(process.argv.slice(2));
  if (options === "help") console.log(helpText(questions));
  else {
    const asked = await loadQuestions(options.names);
    checkOnly(options.only, asked);
    for (const [name, question] of asked) {
      const answer = await question.run(options);
      print(answer, options.quick);
      console.log(`\nWritten to ${writeResult(name, answer, options, describeMachine())}`);
      if (options.book) writeIntoBook(name, asksOf(name), answer, describeMachine());
    }
  }
} catch (error) {
  console.error(error instanceof BenchError ? `\nbench: ${error.message}` : error);
  process.exitCode = 1;
}

async function loadQuestions(names: readonly string[]): Promise<Map<string, Question>> {
  const unknown = names.filter((name) => !questions.some((question) => question.name === name));
  if (unknown.length > 0)
    throw new BenchError(
      `There is no question ${unknown.map((name) => `"${name}"`).join(", ")}. Known: ${questions.map(({ name }) => name).join(", ")}.`,
    );
  const asked = new Map<string, Question>();
  for (const { name, load } of questions) if (names.length === 0 || names.includes(name)) asked.set(name, await load());
  return asked;
}

function asksOf(name: string): string {
  return questions.find((question) => question.name === name)!.asks;
}

function checkOnly(only: ReadonlySet<string>, asked: ReadonlyMap<string, Question>): void {
  const known = new Set([...asked.values()].flatMap((question) => question.names));
  const unknown = [...only].filter((name) => !known.has(name));
  if (unknown.length > 0)
    throw new BenchError(`--only does not know ${unknown.join(", ")}. Known here: ${[...known].join(", ")}.`);
}

function print(answer: Answer, isQuick: boolean): void {
  for (const table of answer.tables) console.log(`\n${table.title}\n\n${formatTable(table)}`);
  for (const note of answer.notes) console.log(`\n${note}`);
  if (answer.targets.length > 0)
    console.log("\nTargets" + (isQuick ? " (a --quick run is too short to judge them)" : ""));
  for (const { text, value, isMet } of answer.targets)
    console.log(`  ${isQuick ? "      " : isMet ? "met   " : "MISSED"} ${text}: ${value}`);
  for (const skipped of answer.skipped) console.error(`\n!!! SKIPPED: ${skipped}`);
}

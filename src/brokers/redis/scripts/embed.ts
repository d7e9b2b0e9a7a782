/** A script taken apart. */
interface Parts {
  /** What is read of the arguments before the helpers: `local name = …` each. */
  readonly prologue: readonly string[];
  readonly helpers: readonly string[];
  readonly body: readonly string[];
}

/**
 * BullMQ's script as the text of a function of our own script that makes a function (KEYS, ARGV), its text word for word.
 *
 * Its helpers, forty in moveToFinished, are made once for all jobs of a call: measured, making them anew for each job costs more
 * than all that the job does in Redis. What they may refer to of the arguments is declared before them and set anew each time. A
 * script that is not built like this is wrapped as it is.
 */
export function embed(lua: string): string {
  const parts = takeApart(lua);
  if (parts === undefined) return `function() return function(KEYS, ARGV)\n${lua}\nend end`;
  const { prologue, helpers, body } = parts;
  const names = prologue.map((line) => /^local (\w+)/.exec(line)![1]!);
  return [
    "function()",
    ...names.map((name) => `local ${name}`),
    ...helpers,
    "return function(KEYS, ARGV)",
    ...prologue.map((line, index) => (line.includes("=") ? line.slice("local ".length) : `${names[index]!} = nil`)),
    ...body,
    "end",
    "end",
  ].join("\n");
}

const helperStart = /^local function \w|^local \w+ = function\b/;

function takeApart(lua: string): Parts | undefined {
  const lines = lua.replace(/--\[\[[\s\S]*?\]\]/g, "").split("\n");
  const first = lines.findIndex((line) => helperStart.test(line));
  if (first < 0) return undefined;
  const isPlain = (line: string): boolean => /^\s*(?:--.*)?$/.test(line);
  const prologue = lines.slice(0, first).filter((line) => !isPlain(line));
  if (!prologue.every((line) => /^local \w+(?: = .*)?$/.test(line.trimEnd()))) return undefined;
  const isBody = (line: string, index: number): boolean =>
    index > first &&
    /^\S/.test(line) &&
    !helperStart.test(line) &&
    !/^(?:end\b|--)/.test(line) &&
    !isPartOfHead(lines, index);
  const end = lines.findIndex(isBody);
  if (end < 0) return undefined;
  return { prologue, helpers: lines.slice(first, end), body: lines.slice(end) };
}

/** A helper's parameters may go on in a line that is not indented. */
function isPartOfHead(lines: readonly string[], index: number): boolean {
  const before = lines.slice(0, index).findLast((line) => line.trim() !== "") ?? "";
  return /[,(]\s*$/.test(before);
}

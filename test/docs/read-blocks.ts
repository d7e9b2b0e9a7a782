import { globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

export const root: string = resolve(import.meta.dirname, "../..");

/** A fenced block of a Markdown page. */
export interface Block {
  /** The page, relative to the root. */
  readonly page: string;
  /** `docs/guide/4-background-tasks.md:12` */
  readonly where: string;
  /** Counts the headings of the page before it. */
  readonly section: number;
  /** The first word after the fence: `ts`, `http`. */
  readonly language: string;
  /** What follows it on that line. */
  readonly info: string;
  readonly code: string;
  /** The name of the file that it is: the first line of a TypeScript block (`// items.ts`), or the info of another. */
  readonly fileName: string | undefined;
}

/** All fenced blocks of the pages that fit the patterns, page by page in the order in which they stand. */
export function readBlocks(...patterns: string[]): Block[] {
  return globSync(patterns, { cwd: root }).toSorted().flatMap(blocksOf);
}

function blocksOf(page: string): Block[] {
  const text = readFileSync(join(root, page), "utf8");
  let section = 0;
  return Array.from(text.matchAll(/^#+ .*$|^```(\w+) ?(.*)\n([^]*?)^```$/gm)).flatMap((match) => {
    const [, language, info, code] = match;
    if (language === undefined) {
      section++;
      return [];
    }
    const line = text.slice(0, match.index).split("\n").length;
    const fileName = language === "ts" ? /^\/\/ ([\w./-]+\.ts)\n/.exec(code!)?.[1] : info || undefined;
    return [{ page, where: `${page}:${line}`, section, language, info: info!, code: code!, fileName }];
  });
}

/** Where the file of a block is written, relative to a folder: blocks of a section lie beside each other. */
export function pathOf({ page, section, fileName, where }: Block): string {
  const folder = `${page.replaceAll(/[^\w-]+/g, "-")}/section-${section}`;
  return `${folder}/${fileName ?? `line-${where.split(":")[1]}.ts`}`;
}

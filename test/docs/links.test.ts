import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, it } from "vitest";
import { root } from "./read-blocks.ts";

/** The text of a page without its code, in which brackets mean something else. */
function readProse(page: string): string {
  return readFileSync(join(root, page), "utf8").replaceAll(/^```[^]*?^```$|`[^`\n]*`/gm, (code) =>
    code.startsWith("```") ? "" : code,
  );
}

/** What a heading is called in the address of its page, as GitHub makes it. */
function anchorsOf(page: string): string[] {
  const headings = Array.from(readProse(page).matchAll(/^#+ (.*)$/gm), ([, heading]) =>
    heading!
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
  return headings.map((heading, index) => {
    const before = headings.slice(0, index).filter((other) => other === heading).length;
    return before === 0 ? heading : `${heading}-${before}`;
  });
}

it("every link within the docs leads to a page and a heading that exist", () => {
  const pages = globSync(["*.md", "docs/**/*.md"], { cwd: root });
  const links = pages.flatMap((page) =>
    Array.from(readProse(page).matchAll(/\]\((?![a-z]+:)([^)#\s]*)(?:#([^)\s]*))?\)/g), ([, path, anchor]) => ({
      page,
      target: path === "" ? page : relative(root, join(root, dirname(page), path!)),
      anchor,
    })),
  );
  expect(links.length).toBeGreaterThan(50);
  const broken = links.filter(
    ({ target, anchor }) =>
      !existsSync(join(root, target)) ||
      (anchor !== undefined && !anchorsOf(target).includes(decodeURIComponent(anchor))),
  );
  expect(broken).toEqual([]);
});

it("the index of the guide names every page of it", () => {
  const index = readProse("docs/guide/README.md");
  const pages = globSync("**/*.md", { cwd: join(root, "docs/guide") }).filter((page) => page !== "README.md");
  expect(pages.filter((page) => !index.includes(`](${page})`))).toEqual([]);
});

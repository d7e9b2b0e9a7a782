import { afterEach, beforeEach, describe, expect, test } from "vitest";
import * as z from "zod";
import { file } from "./file.ts";
import { files } from "./files.ts";
import { multipart, postForm } from "./multipart.fixture.ts";
import type { Params } from "../dependencies/dependency.ts";
import { exceptionOf, solve, useTemporaryDirectory, type Solved, type TemporaryDirectory } from "./scope.fixture.ts";
import type { Upload } from "./upload.ts";

let temporary: TemporaryDirectory;

beforeEach(async () => {
  temporary = await useTemporaryDirectory();
});

afterEach(async () => {
  await temporary.remove();
});

async function receive(params: Params, body: string): Promise<Solved> {
  const solved = await solve(params, postForm(body));
  solved.scope.tasks.end();
  await solved.scope.tasks.settled;
  return solved;
}

const photo = (index: number) => ({ name: "photos", filename: `${index}.png`, type: "image/png", content: `${index}` });
const photos = (count: number) => multipart(...Array.from({ length: count }, (_, index) => photo(index)));

describe("files()", () => {
  test("is the uploads in the order in which they came, beside file()", async () => {
    const body = multipart(photo(2), { name: "cover", filename: "c", content: "x" }, photo(1));
    const { values, problems } = await receive({ photos: files(), cover: file() }, body);
    expect(problems).toBeUndefined();
    expect((values.photos as Upload[]).map(({ name }) => name)).toEqual(["2.png", "1.png"]);
    expect((values.cover as Upload).name).toBe("c");
  });

  test("is a list of one", async () => {
    expect((await receive({ photos: files() }, photos(1))).values.photos).toHaveLength(1);
  });

  test("has at most 10 files, or as many as were said", async () => {
    expect((await receive({ photos: files() }, photos(10))).problems).toBeUndefined();
    expect((await receive({ photos: files() }, photos(12))).problems).toEqual([
      { type: "value_error", loc: ["body", "photos"], msg: "Expected at most 10 files", input: "10.png" },
    ]);
    expect((await receive({ photos: files({ maxCount: 2, secret: true }) }, photos(3))).problems).toEqual([
      { type: "value_error", loc: ["body", "photos"], msg: "Expected at most 2 files" },
    ]);
  });

  test("that are absent are missing, or an empty list where they are optional", async () => {
    const notChosen = multipart({ name: "photos", filename: "", type: "application/octet-stream" });
    expect((await receive({ photos: files() }, notChosen)).problems).toMatchObject([
      { type: "missing", loc: ["body", "photos"] },
    ]);
    const first = await receive({ photos: files({ optional: true }) }, notChosen);
    expect([first.values.photos, first.problems]).toEqual([[], undefined]);
    const second = await receive({ photos: files({ optional: true }) }, notChosen);
    expect(second.values.photos).not.toBe(first.values.photos);
  });

  test("are checked by a schema of the list", async () => {
    const schema = z.array(z.file().mime("image/png")).min(2);
    expect((await receive({ photos: files(schema) }, photos(2))).problems).toBeUndefined();
    expect((await receive({ photos: files(schema) }, photos(1))).problems).toMatchObject([
      { type: "too_small", loc: ["body", "photos"] },
    ]);
    expect((await receive({ photos: files(schema) }, multipart())).problems).toMatchObject([{ type: "missing" }]);
    expect((await receive({ photos: files(schema, { optional: true }) }, multipart())).problems).toMatchObject([
      { type: "too_small" },
    ]);
    const bad = multipart(photo(1), { ...photo(2), type: "text/plain" });
    expect((await receive({ photos: files(schema) }, bad)).problems).toMatchObject([
      { loc: ["body", "photos", 1], input: { name: "2.png" } },
    ]);
  });

  test("are refused one too large with 413, one of a wrong type with 415", async () => {
    expect(
      await exceptionOf(receive({ photos: files({ maxBytes: 1 }) }, multipart(photo(1), photo(22)))),
    ).toMatchObject({ status: 413, detail: 'File "photos" is larger than 1 bytes.' });
    expect(await exceptionOf(receive({ photos: files({ types: [".gif"] }) }, photos(2)))).toMatchObject({
      status: 415,
    });
  });

  test("may be many and large", async () => {
    const body = multipart(
      ...Array.from({ length: 4 }, (_, index) => ({
        name: "photos",
        filename: `${index}`,
        content: `${index}`.repeat(1_500_000),
      })),
    );
    const { values, scope } = await solve({ photos: files() }, postForm(body));
    for (const [index, upload] of (values.photos as Upload[]).entries())
      expect((await upload.text()) === `${index}`.repeat(1_500_000)).toBe(true);
    scope.tasks.end();
    await scope.tasks.settled;
  });
});

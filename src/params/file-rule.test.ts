import { describe, expect, test } from "vitest";
import { assertFileSize, assertFileType, toBaseName, type FileRule } from "./file-rule.ts";

const rule: FileRule = {
  name: "avatar",
  maxBytes: 10,
  maxCount: 1,
  types: ["image/*", "application/PDF", ".TXT"],
  isSecret: false,
};

test.each([
  ["a.png", "a.png"],
  ["../../etc/passwd", "passwd"],
  ["C:\\Windows\\boot.ini", "boot.ini"],
  ["/", ""],
  ["..", ""],
  ["a/..", ""],
  [".htaccess", ".htaccess"],
  ["a\u0000b\r\n.png", "ab.png"],
  ["dir\n/x", "x"],
  ["é 😀.png", "é 😀.png"],
])("the filename %j is shown as %j", (filename, name) => {
  expect(toBaseName(filename)).toBe(name);
});

describe("the rules of a file", () => {
  test("allow a type or an ending that is listed", () => {
    for (const head of [
      { filename: "a", type: "image/png" },
      { filename: "a", type: "application/pdf" },
      { filename: "A.Txt", type: "application/octet-stream" },
    ])
      expect(() => assertFileType(rule, head)).not.toThrow();
    for (const types of [["*/*"], undefined])
      expect(() => assertFileType({ ...rule, types }, { filename: "", type: "x/y" })).not.toThrow();
  });

  test("refuse another with 415, the field's name and what is right", () => {
    for (const type of ["text/plain", "imagex/png", "image", "application/pdfx"])
      expect(() => assertFileType(rule, { filename: "a.exe", type })).toThrow(expect.objectContaining({ status: 415 }));
    expect(() => assertFileType(rule, { filename: "a.exe", type: "text/plain" })).toThrow(
      'File "avatar" must be of type image/* or application/PDF or .TXT, but got "text/plain" named "a.exe".',
    );
  });

  test("refuse a larger one with 413, the field's name and the limit", () => {
    assertFileSize(rule, 10);
    expect(() => assertFileSize(rule, 11)).toThrow(
      expect.objectContaining({ status: 413, detail: 'File "avatar" is larger than 10 bytes.' }),
    );
  });
});

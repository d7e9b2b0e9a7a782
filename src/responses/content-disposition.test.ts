import { describe, expect, it } from "vitest";
import { formatContentDisposition } from "./content-disposition.ts";

describe("formatContentDisposition", () => {
  it.each<["attachment" | "inline", string | undefined, string]>([
    ["inline", undefined, "inline"],
    ["attachment", "plan.pdf", 'attachment; filename="plan.pdf"'],
    ["inline", "my plan (2).pdf", 'inline; filename="my plan (2).pdf"'],
    ["attachment", "Übersicht.pdf", `attachment; filename="_bersicht.pdf"; filename*=UTF-8''%C3%9Cbersicht.pdf`],
    [
      "attachment",
      "€'(*)🎉.txt",
      `attachment; filename="_'(*)_.txt"; filename*=UTF-8''%E2%82%AC%27%28%2A%29%F0%9F%8E%89.txt`,
    ],
    [
      "attachment",
      'a"; filename=evil.exe',
      `attachment; filename="a_; filename=evil.exe"; filename*=UTF-8''a%22%3B%20filename%3Devil.exe`,
    ],
    ["attachment", "100%25.txt", `attachment; filename="100_25.txt"; filename*=UTF-8''100%2525.txt`],
    [
      "attachment",
      "a\r\nset-cookie: b=1",
      `attachment; filename="a__set-cookie: b=1"; filename*=UTF-8''a%0D%0Aset-cookie%3A%20b%3D1`,
    ],
    ["attachment", "../../etc/passwd", 'attachment; filename="passwd"'],
    ["attachment", "C:\\temp\\x.txt", 'attachment; filename="x.txt"'],
    ["attachment", "lone\ud800", `attachment; filename="lone_"; filename*=UTF-8''lone%EF%BF%BD`],
  ])("writes %s of %j", (type, filename, expected) => {
    expect(formatContentDisposition(type, filename)).toBe(expected);
  });
});

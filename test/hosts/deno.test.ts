import { afterAll, describe, test } from "vitest";
import { removeTempDirectories } from "../support/temp-directory.ts";
import { expectConformance } from "./conformance.ts";
import { describeServing } from "./serving.ts";
import { findRuntime, isWanted, unlessFound } from "./host-program.ts";

const { platform, arch } = process;
const deno = findRuntime(`@deno/${platform}-${arch}${platform === "linux" ? "-glibc" : ""}/deno`);

afterAll(removeTempDirectories);

describe.skipIf(!isWanted(deno))(`Deno${unlessFound("Deno", deno)}`, () => {
  test("keeps the portable half of the semantics, with memory and SQLite", { timeout: 600_000 }, () =>
    expectConformance(deno!, ["run", "--allow-all"], "forks", {
      "after an await": "performance.eventLoopUtilization tells nothing there",
    }),
  );

  describeServing((file, port) => ({
    program: deno!,
    args: [
      "serve",
      "--allow-all",
      ...["--host", "127.0.0.1"],
      ...["--port", String(port)],
      "--conditions=afterword-source",
      file,
    ],
  }));
});

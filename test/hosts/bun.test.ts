import { afterAll, describe, test } from "vitest";
import { removeTempDirectories } from "../support/temp-directory.ts";
import { expectConformance } from "./conformance.ts";
import { describeServing } from "./serving.ts";
import { findRuntime, isWanted, unlessFound } from "./host-program.ts";

// What npm installs for this machine; the package's own program is a placeholder until its install script has run.
const bun = findRuntime(`@oven/bun-${process.platform}-${process.arch.replace("arm64", "aarch64")}/bin/bun`);

afterAll(removeTempDirectories);

describe.skipIf(!isWanted(bun))(`Bun${unlessFound("Bun", bun)}`, () => {
  test("keeps the portable half of the semantics, with memory and SQLite", { timeout: 600_000 }, () =>
    expectConformance(bun!, ["--bun"], "threads", {
      "after an await": "performance.eventLoopUtilization tells nothing there",
    }),
  );

  describeServing((file) => ({ program: bun!, args: ["--conditions=afterword-source", file] }));
});

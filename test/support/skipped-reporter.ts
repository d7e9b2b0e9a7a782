import type { Reporter, TestModule } from "vitest/node";

/** Says at the end which tests were skipped, since a number alone is easily overlooked. */
export class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules.flatMap((module) =>
      Array.from(module.children.allTests("skipped"), (test) => `${module.relativeModuleId} > ${test.fullName}`),
    );
    if (skipped.length > 0)
      console.log(`\n!!! SKIPPED: ${skipped.length} tests\n${skipped.map((name) => `  ${name}`).join("\n")}`);
  }
}

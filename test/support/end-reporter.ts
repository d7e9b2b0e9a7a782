import type { Reporter, SerializedError, TestCase, TestModule } from "vitest/node";

const lackPattern = /\[lacks .+\]$/;

/** Says at the end which tests were skipped and, last of all, which failed: where a long log is cut, its end is kept. */
export class EndReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const skipped = modules.flatMap((module) => Array.from(module.children.allTests("skipped")));
    if (skipped.length > 0) console.log(`\n!!! SKIPPED: ${skipped.length} tests\n${describeSkipped(skipped)}`);
    const failed = modules.flatMap((module) => describeFailed(module));
    failed.push(...unhandled.map((error) => `outside of any test\n    ${error.message}`));
    if (failed.length > 0) console.log(`\n!!! FAILED: ${failed.length}\n  ${failed.join("\n  ")}`);
  }
}

/** The file itself where it could not be run, and its tests that failed, each with its first error. */
function describeFailed(module: TestModule): string[] {
  const file = module.errors().map((error) => `${module.relativeModuleId}\n    ${error.message}`);
  const tests = Array.from(module.children.allTests("failed"), (test) => {
    return `${nameOf(test)}\n    ${test.result().errors?.[0]?.message}`;
  });
  return [...file, ...tests];
}

/** One line for each test; those of a broker that lacks abilities are counted by what it lacks. */
function describeSkipped(tests: readonly TestCase[]): string {
  const counts = new Map<string, number>();
  for (const test of tests) {
    const lack = lackPattern.exec(test.name)?.[0];
    const [suite] = test.fullName.split(" > ");
    const line = lack === undefined ? nameOf(test) : `${test.module.relativeModuleId} > ${suite} ${lack}`;
    counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  return Array.from(counts, ([line, count]) => `  ${line}${count === 1 ? "" : `: ${count} tests`}`).join("\n");
}

function nameOf(test: TestCase): string {
  return `${test.module.relativeModuleId} > ${test.fullName}`;
}

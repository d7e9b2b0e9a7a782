// The last line of CI: how many tests ran, from what vitest wrote during `npm test`.
import { readFileSync } from "node:fs";

const file = new URL("../.cache/vitest.json", import.meta.url);
const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(file, "utf8")) as Record<
  string,
  number
>;
console.log(`${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`);

import { defineConfig } from "vitest/config";

const report = process.env.AFTERWORD_REPORT;

export default defineConfig({
  // Examples and tests import "afterword" as users do; this condition leads them to the sources.
  resolve: { conditions: ["afterword-source"] },
  ssr: { resolve: { conditions: ["afterword-source"] } },
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    testTimeout: 20_000,
    reporters: report === undefined ? ["default"] : ["default", ["json", { outputFile: report }]],
  },
});

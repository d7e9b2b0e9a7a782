import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { runCli, type CliResult } from "../support/cli.ts";
import { keepTidy } from "../support/tidy.ts";

keepTidy();

const commands: readonly (readonly [string, readonly RegExp[]])[] = [
  [
    "",
    [
      /dev/,
      /run/,
      /openapi/,
      /worker/,
      /tasks/,
      /dashboard/,
      /Examples:\n {2}\$ afterword dev app\.ts/,
      /Exit codes: 0 .*, 1 .*, 2 /,
    ],
  ],
  [
    "dev",
    [
      /--host <address>/,
      /--port <n>/,
      /default: 8000/,
      /AFTERWORD_PORT/,
      /AFTERWORD_HOST/,
      /Exit codes/,
      /Examples:\n/,
    ],
  ],
  [
    "run",
    [
      /--workers <n>/,
      /--proxy-headers/,
      /AFTERWORD_(?:HOST|PORT)/,
      /AFTERWORD_WORKERS/,
      /AFTERWORD_PROXY_HEADERS/,
      /PORT counts/,
      /SIGTERM/,
      /Exit codes/,
      /Examples:\n/,
    ],
  ],
  ["openapi", [/--output <file>/, /standard error/, /Exit codes/, /Examples:\n/]],
  ["worker", [/<app>|app {2,}the file/, /--queues <names>/, /--concurrency <n>/, /SIGTERM/, /Examples:\n/]],
  ["tasks", [/counts/, /list/, /show/, /retry/, /cancel/, /purge/, /Examples:\n/]],
  ["tasks counts", [/--broker <url>/, /--app <file>/, /--json/, /AFTERWORD_BROKER/]],
  ["tasks list", [/--status <names>/, /--queue <name>/, /--task <name>/, /--search <text>/, /--limit <n>/, /--json/]],
  ["tasks show", [/<id>/, /--json/]],
  ["tasks retry", [/\[ids\.\.\.\]/, /--all/, /--yes/, /--status/]],
  ["tasks cancel", [/\[ids\.\.\.\]/, /--all/, /--yes/, /--reason <text>/]],
  ["dashboard", [/--broker <url>/, /--host <address>/, /--port <n>/, /--token <text>/, /--read-only/, /Examples:\n/]],
  ["tasks purge", [/--status <names>/, /--older-than <duration>/, /--yes/]],
];

describe("help", () => {
  let results: readonly CliResult[] = [];

  // All at once: a process takes its time to start.
  beforeAll(async () => {
    results = await Promise.all(
      commands.map(([command]) => runCli([...command.split(" ").filter(Boolean), "--help"], { withinMs: 120_000 })),
    );
  }, 120_000);

  test.each(commands.map(([command, patterns], index) => ({ command, patterns, index })))(
    "of afterword $command names what there is, fits 120 columns, and ends with 0",
    ({ command, patterns, index }) => {
      const result = results[index]!;
      expect(result).toMatchObject({ code: 0, stderr: "" });
      expect(result.stdout).toMatch(new RegExp(`^Usage: afterword ${command}`));
      for (const pattern of patterns) expect(result.stdout).toMatch(pattern);
      expect(result.stdout.split("\n").filter((line) => line.length > 120)).toEqual([]);
    },
  );

  test("says the version", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
      version: string;
    };
    expect(await runCli(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });

  test.each([[[]], [["tasks"]]])("is what %j shows, on stderr, with 2: there was no command", async (args) => {
    const result = await runCli(args);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/^Usage: afterword/);
  });
});

const mistakes: readonly (readonly [readonly string[], string])[] = [
  [["wroker"], "unknown command 'wroker'"],
  [["worker"], "missing required argument 'app'"],
  [["worker", "app.ts", "--quick"], "unknown option '--quick'"],
  [["worker", "app.ts", "--concurrency", "0"], "Expected a whole number of 1 or more"],
  [["worker", "app.ts", "--queues", "a,,b"], "Expected names with commas between them"],
  [["worker", "app.ts", "more.ts"], "too many arguments"],
  [["dev"], "missing required argument 'app'"],
  [["dev", "app.ts", "--port", "http"], "'http' is invalid. Expected a whole number from 0 to 65535."],
  [["dev", "app.ts", "--workers", "2"], "unknown option '--workers'"],
  [["run"], "missing required argument 'app'"],
  [["run", "app.ts", "--port", "65536"], "'65536' is invalid. Expected a whole number from 0 to 65535."],
  [["run", "app.ts", "--workers", "0"], "'0' is invalid. Expected a whole number of 1 or more."],
  [["run", "app.ts", "--workers", "two"], "'two' is invalid. Expected a whole number of 1 or more."],
  [["openapi"], "missing required argument 'app'"],
  [["openapi", "app.ts", "--output"], "option '-o, --output <file>' argument missing"],
  [["tasks", "lst"], "unknown command 'lst'"],
  [["tasks", "list", "--status", "broken"], 'There is no "broken". There are scheduled, queued'],
  [["tasks", "list", "--limit", "many"], "Expected a whole number of 1 or more"],
  [["tasks", "show"], "missing required argument 'id'"],
  [["tasks", "purge"], "required option '--status <names>' not specified"],
  [["tasks", "purge", "--status", "queued"], 'There is no "queued". There are succeeded, failed, canceled, expired'],
  [["tasks", "purge", "--status", "failed", "--older-than", "long"], "--older-than must be"],
  [["tasks", "counts"], "Which broker? Say --broker sqlite:tasks.db, or --app app.ts, or set AFTERWORD_BROKER."],
  [["tasks", "counts", "--broker", "memory:"], "Jobs on memory can only be seen by their own process."],
  [["tasks", "counts", "--broker", "tasks.db"], "--broker must name a broker, such as sqlite:tasks.db"],
];

describe("a wrong command line ends with 2, a message on stderr and nothing on stdout:", () => {
  let results: readonly CliResult[] = [];

  // All at once: a process takes its time to start.
  beforeAll(async () => {
    results = await Promise.all(mistakes.map(([args]) => runCli(args, { withinMs: 120_000 })));
  }, 120_000);

  test.each(mistakes.map(([args, message], index) => ({ command: args.join(" "), message, index })))(
    "afterword $command",
    ({ message, index }) => {
      const result = results[index]!;
      expect(result.stderr).toContain(message);
      expect(result.stderr).not.toMatch(/^\s+at /m);
      expect(result).toMatchObject({ code: 2, stdout: "" });
    },
  );
});

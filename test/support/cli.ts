import { startChild, type ChildApp, type ChildOptions, type Exit } from "./child-app.ts";

/** What a command has printed, and how it ended. */
export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const program = new URL("../../src/cli/main.ts", import.meta.url);

/** Starts `afterword …`, for commands that go on until they are told to end. */
export function startCli(args: readonly string[], options: Omit<ChildOptions, "args"> = {}): ChildApp {
  return startChild(program, { ...options, args, env: { AFTERWORD_BROKER: "", NO_COLOR: "1", ...options.env } });
}

/** Runs `afterword …` to its end. */
export async function runCli(
  args: readonly string[],
  options: Omit<ChildOptions, "args"> & { readonly withinMs?: number } = {},
): Promise<CliResult> {
  const child = startCli(args, options);
  const { code }: Exit = await child.exit(options.withinMs ?? 15_000);
  return { code, stdout: child.stdout, stderr: child.complaints.join("\n") };
}

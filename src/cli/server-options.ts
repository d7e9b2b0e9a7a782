import { InvalidArgumentError, Option, type Command } from "commander";
import { CliError, exitCodes } from "./cli-error.ts";

/** Adds the argument and the options of commands that serve. An empty text is as good as none: compose files write it so. */
export function withServerOptions(command: Command, host: string, portNames: readonly string[]): Command {
  const portName = portNames.find((name) => process.env[name]) ?? portNames[0]!;
  return command
    .argument("<app>", "the file that exports the app, such as app.ts; TypeScript runs as it is")
    .addOption(
      new Option("-H, --host <address>", "where to listen: 127.0.0.1 for this machine only, 0.0.0.0 for all addresses")
        .env("AFTERWORD_HOST")
        .default(host)
        .argParser((text, known: string) => text || known),
    )
    .addOption(
      new Option("-p, --port <n>", "the port; 0 takes a free one").env(portName).default(8_000).argParser(toPort),
    );
}

export function toPort(text: string, known: number): number {
  if (text === "") return known;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError("Expected a whole number from 0 to 65535.");
  return port;
}

/**
 * What a variable of the environment says about a flag. Commander takes any value for yes, `0` and `false` included.
 *
 * @throws {CliError} with exit code 2 for anything but yes and no
 */
export function isOnInEnvironment(name: string): boolean {
  const text = (process.env[name] ?? "").toLowerCase();
  if (["", "0", "false", "no", "off"].includes(text)) return false;
  if (["1", "true", "yes", "on"].includes(text)) return true;
  throw new CliError(`error: ${name} must be 1 or 0, but is ${JSON.stringify(process.env[name])}.`, exitCodes.usage);
}

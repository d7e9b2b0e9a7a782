import { existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";

/** The folders in which programs are looked for. */
function folders(): readonly string[] {
  const debian = "/usr/lib/postgresql";
  // Of Debian's versions of PostgreSQL, the newest comes first.
  const versions = existsSync(debian) ? readdirSync(debian).toSorted((a, b) => Number(b) - Number(a)) : [];
  return [
    ...(process.env.AFTERWORD_TEST_POSTGRES_BIN ? [process.env.AFTERWORD_TEST_POSTGRES_BIN] : []),
    ...versions.map((version) => join(debian, version, "bin")),
    // Those on Debian's path want to be run by root or the server's own user.
    "/usr/lib/rabbitmq/bin",
    "/usr/sbin",
    ...(process.env.PATH ?? "").split(delimiter),
  ];
}

function find(name: string): string | undefined {
  return folders()
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));
}

/** @throws when it is not there */
export function programOf(name: string): string {
  const path = find(name);
  if (path === undefined) throw new Error(`No ${name} found: install it, or put it on the path.`);
  return path;
}

/** Whether there are these programs. In CI there must be. */
export function hasPrograms(...names: readonly string[]): boolean {
  return process.env.CI !== undefined || names.every((name) => find(name) !== undefined);
}

/** Why tests are skipped without them, for their names. */
export function unlessMissing(...names: readonly string[]): string {
  return hasPrograms(...names) ? "" : ` (skipped: no ${names.join(" or ")} found; install it, or put it on the path)`;
}

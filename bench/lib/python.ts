import { outputOf } from "./machine.ts";

/** Debian's packages are seen by /usr/bin/python3 alone, whatever `python3` is on the path. */
const pythons = [process.env.PYTHON, "/usr/bin/python3", "python3"].filter((python) => python !== undefined);

/** The first Python for which a program prints something, such as the versions of packages, and what it prints. */
export function findPython(program: string): { readonly python: string; readonly versions: string | undefined } {
  for (const python of pythons) {
    const versions = outputOf(python, ["-c", program])?.trim();
    if (versions) return { python, versions };
  }
  return { python: "python3", versions: undefined };
}

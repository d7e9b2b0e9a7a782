import { fileURLToPath } from "node:url";
import { regexes } from "zod";
import { installedVersion, outputOf } from "../lib/machine.ts";
import type { Command } from "../lib/server-process.ts";

/** The endpoint to serve: P1 or P2 of the performance targets. */
export type Part = "p1" | "p2";

/** A server of the same endpoints. */
export interface Peer {
  readonly name: string;
  /** What it is and its versions; `undefined` if it is not installed. */
  readonly versions: string | undefined;
  /** How to install what is missing. */
  readonly install: string;
  toCommand(part: Part, port: number): Command;
}

export function findPeers(): readonly Peer[] {
  return [
    nodePeer("bare", []),
    nodePeer("hono", ["hono", "@hono/node-server"]),
    nodePeer("fastify", ["fastify"]),
    nodePeer("express", ["express"]),
    nodePeer("afterword", ["hono", "@hono/node-server", "zod"]),
    fastApiPeer(),
  ];
}

export const peerNames: readonly string[] = ["bare", "hono", "fastify", "express", "afterword", "fastapi"];

function nodePeer(name: string, packages: readonly string[]): Peer {
  const versions = packages.map((dependency) => [dependency, installedVersion(dependency)] as const);
  return {
    name,
    versions: versions.some(([, version]) => version === undefined)
      ? undefined
      : [`node ${process.versions.node}`, ...versions.map((pair) => pair.join(" "))].join(", "),
    install: "npm ci",
    toCommand: (part, port) => ({
      command: process.execPath,
      args: [
        "--conditions=afterword-source",
        fileURLToPath(new URL(`${name}.ts`, import.meta.url)),
        part,
        String(port),
      ],
    }),
  };
}

/** Debian's packages are seen by /usr/bin/python3 alone, whatever `python3` is on the path. */
const pythons = [process.env.PYTHON, "/usr/bin/python3", "python3"].filter((python) => python !== undefined);

const pythonVersions = `
import platform, fastapi, starlette, pydantic, uvicorn, uvloop, httptools
print(f"Python {platform.python_version()}, fastapi {fastapi.__version__}, starlette {starlette.__version__}, "
  f"pydantic {pydantic.VERSION}, uvicorn {uvicorn.__version__}, uvloop {uvloop.__version__}, httptools {httptools.__version__}")`;

function fastApiPeer(): Peer {
  const [python, versions] =
    pythons
      .map((python) => [python, outputOf(python, ["-c", pythonVersions])?.trim()] as const)
      .find(([, found]) => found) ?? [];
  return {
    name: "fastapi",
    versions,
    install:
      "apt install python3-fastapi uvicorn python3-uvloop python3-httptools (or set PYTHON to one that has them)",
    toCommand: (part, port) => ({
      command: python!,
      args: [
        "-m",
        "uvicorn",
        `fastapi_app:${part}`,
        `--app-dir=${fileURLToPath(new URL(".", import.meta.url))}`,
        "--host=127.0.0.1",
        `--port=${port}`,
        "--loop=uvloop",
        "--http=httptools",
        "--no-access-log",
        "--log-level=warning",
      ],
      // No __pycache__ in the repository.
      env: { EMAIL_PATTERN: regexes.email.source, PYTHONDONTWRITEBYTECODE: "1" },
    }),
  };
}

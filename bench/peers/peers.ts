import { fileURLToPath } from "node:url";
import { regexes } from "zod";
import { installedVersion } from "../lib/machine.ts";
import { findPython } from "../lib/python.ts";
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
    nodePeer("h3", ["h3"]),
    nodePeer("nest", ["@nestjs/core", "@nestjs/platform-fastify"]),
    nodePeer("afterword", ["hono", "@hono/node-server", "zod"]),
    fastApiPeer(),
  ];
}

export const peerNames: readonly string[] = [
  "bare",
  "hono",
  "fastify",
  "express",
  "h3",
  "nest",
  "afterword",
  "fastapi",
];

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

const pythonVersions = `
import platform, fastapi, starlette, pydantic, uvicorn, uvloop, httptools
print(f"Python {platform.python_version()}, fastapi {fastapi.__version__}, starlette {starlette.__version__}, "
  f"pydantic {pydantic.VERSION}, uvicorn {uvicorn.__version__}, uvloop {uvloop.__version__}, httptools {httptools.__version__}")`;

function fastApiPeer(): Peer {
  const { python, versions, install } = findFastApi();
  return {
    name: "fastapi",
    versions,
    install,
    toCommand: (part, port) => toUvicorn(python, `fastapi_app:${part}`, port, { EMAIL_PATTERN: regexes.email.source }),
  };
}

/** The Python that has FastAPI and its server, with their versions; these are `undefined` if none has. */
export function findFastApi(): { python: string; versions: string | undefined; install: string } {
  return {
    ...findPython(pythonVersions),
    install:
      "apt install python3-fastapi uvicorn python3-uvloop python3-httptools (or set PYTHON to one that has them)",
  };
}

/** Serves an app of this folder, with what makes uvicorn fastest. */
export function toUvicorn(python: string, app: string, port: number, env: Record<string, string>): Command {
  return {
    command: python,
    args: [
      "-m",
      "uvicorn",
      app,
      `--app-dir=${fileURLToPath(new URL(".", import.meta.url))}`,
      "--host=127.0.0.1",
      `--port=${port}`,
      "--loop=uvloop",
      "--http=httptools",
      "--no-access-log",
      "--log-level=warning",
    ],
    // No __pycache__ in the repository.
    env: { ...env, PYTHONDONTWRITEBYTECODE: "1" },
  };
}

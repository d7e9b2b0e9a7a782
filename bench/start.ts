// How long does a process take from nothing to the first answer, beside other servers?
import { BuiltPackage } from "./lib/built-package.ts";
import { installedVersion } from "./lib/machine.ts";
import type { BenchOptions } from "./lib/options.ts";
import { BenchError, type Answer, type Target } from "./lib/question.ts";
import { interleave } from "./lib/rounds.ts";
import type { Command } from "./lib/server-process.ts";
import { measureStart, type LoadedModules, type Start } from "./lib/start-process.ts";
import { median } from "./lib/statistics.ts";
import { findFastApi, toUvicorn } from "./peers/peers.ts";

interface Peer {
  readonly name: string;
  readonly title: string;
  readonly toCommand: (port: number) => Command;
  /** The same process, telling its modules; only for those on Node. */
  readonly toTellingCommand?: (port: number) => Command;
}

const servers: Readonly<Record<string, string>> = {
  bare: "bare node:http",
  hono: "Hono on @hono/node-server",
  fastify: "Fastify",
  express: "Express",
  afterword: "Afterword",
  "afterword-zod": "Afterword and zod, which validates",
};

/** The same again, where Node has kept the compiled code of an earlier start. */
const cachedServers: Readonly<Record<string, string>> = {
  "bare-cached": "bare node:http, NODE_COMPILE_CACHE",
  "afterword-cached": "Afterword, NODE_COMPILE_CACHE",
};

/** What the package may load by itself. Its other dependencies are loaded when they are used, and clients are the user's. */
const expectedPackages: ReadonlySet<string> = new Set(["afterword", "hono", "@hono/node-server", "croner"]);

const maxOverBareMs = 100;

export const names: readonly string[] = [...Object.keys(servers), ...Object.keys(cachedServers), "fastapi"];

export async function run(options: BenchOptions): Promise<Answer> {
  using built = new BuiltPackage(["zod", "fastify", "express"]);
  const fastApi = findFastApi();
  const peers = findPeers(built, fastApi).filter(({ name }) => options.only.size === 0 || options.only.has(name));
  const modules = new Map<string, LoadedModules>();
  for (const { name, toTellingCommand } of peers)
    if (toTellingCommand) modules.set(name, (await measureStart(name, toTellingCommand)).modules);
  // Fills Node's cache of compiled code.
  for (const { name, toCommand } of peers.filter(({ name }) => name in cachedServers))
    await measureStart(name, toCommand);
  const samples = await interleave(
    "P11",
    peers.map(({ name }) => name),
    options,
    async (name) => (await measureStart(name, peers.find((peer) => peer.name === name)!.toCommand)).start,
  );
  const own = modules.get("afterword");
  return {
    tables: [
      {
        title: "P11: from the spawn of a process to the end of its import and to its first answer, medians",
        plot: { kind: "bars", of: "first answer ms", ours: /^Afterword/ },
        head: ["server", "import ms", "over bare", "first answer ms", "over bare", "CPU ms", "modules"],
        rows: peers.map(({ name, title }) => [
          title,
          middle(samples, name, "importedMs"),
          overBare(samples, name, "importedMs")?.toFixed(0) ?? "",
          middle(samples, name, "answeredMs"),
          overBare(samples, name, "answeredMs")?.toFixed(0) ?? "",
          middle(samples, name, "answeredCpuMs"),
          modules.get(name)?.answered.length.toString() ?? "",
        ]),
      },
      ...(own
        ? [
            {
              title: "Modules of Afterword, by package",
              head: ["package", "by import", "by the first answer"],
              rows: Object.entries(countByPackage(own.answered)).map(([name, count]) => [
                name,
                String(countByPackage(own.imported)[name] ?? 0),
                String(count),
              ]),
            },
          ]
        : []),
    ],
    notes: [
      "Afterword is compiled as it is published. All run one background task after the answer to POST /send-notification/foo@example.com; the e-mail is validated only where it is said. The request is sent as soon as somebody listens, with looks a millisecond apart.",
      "Over bare is the median of the differences within each round. CPU is that of the process until the answer, user and system. Modules are counted in a start of their own.",
    ],
    targets: toTargets(samples, own),
    skipped: fastApi.versions === undefined ? [`fastapi is not installed: ${fastApi.install}`] : [],
    data: {
      versions: {
        ...Object.fromEntries(
          ["hono", "@hono/node-server", "fastify", "express", "zod"].map((name) => [name, installedVersion(name)]),
        ),
        fastapi: fastApi.versions,
      },
      samples: Object.fromEntries(samples),
      modules: Object.fromEntries(
        [...modules].map(([name, { imported, answered }]) => [
          name,
          { imported: countByPackage(imported), answered: countByPackage(answered) },
        ]),
      ),
    },
  };
}

function findPeers(built: BuiltPackage, { python, versions }: ReturnType<typeof findFastApi>): readonly Peer[] {
  const program = built.add(new URL("peers/start.ts", import.meta.url));
  const telling = built.add(new URL("peers/tell-modules.ts", import.meta.url));
  const nodePeer = (name: string, title: string): Peer => {
    const server = name.replace(/-cached$/, "");
    const isCached = server !== name;
    const toCommand = (port: number, ...before: string[]): Command => ({
      command: process.execPath,
      args: [...before, program, server, String(port)],
      env: isCached ? { NODE_COMPILE_CACHE: `${built.folder}/compile-cache` } : {},
    });
    return {
      name,
      title,
      toCommand,
      ...(!isCached && { toTellingCommand: (port) => toCommand(port, "--import", telling) }),
    };
  };
  return [
    ...Object.entries({ ...servers, ...cachedServers }).map(([name, title]) => nodePeer(name, title)),
    ...(versions === undefined
      ? []
      : [
          {
            name: "fastapi",
            title: "FastAPI on uvicorn",
            toCommand: (port: number) => toUvicorn(python, "fastapi_start:app", port, {}),
          },
        ]),
  ];
}

type Samples = ReadonlyMap<string, readonly Start[]>;

function middle(samples: Samples, name: string, key: keyof Start): string {
  return median(samples.get(name)!.map((start) => start[key])).toFixed(0);
}

/** The median of the differences within each round. */
function overBare(samples: Samples, name: string, key: keyof Start): number | undefined {
  const bare = samples.get("bare");
  const own = samples.get(name);
  return bare && own && median(own.map((start, round) => start[key] - bare[round]![key]));
}

function toTargets(samples: Samples, own: LoadedModules | undefined): Target[] {
  const over = [
    ["import", overBare(samples, "afterword", "importedMs")],
    ["import and first answer", overBare(samples, "afterword", "answeredMs")],
  ] as const;
  const targets = over.flatMap(([what, ms]) =>
    ms === undefined
      ? []
      : [
          {
            text: `P11 ${what} at most ${maxOverBareMs} ms over bare`,
            value: `${ms.toFixed(0)} ms`,
            isMet: ms <= maxOverBareMs,
          },
        ],
  );
  if (own === undefined) return targets;
  if (own.imported.length === 0) throw new BenchError("No module was told, so nothing is known of optional clients.");
  const unexpected = Object.keys(countByPackage(own.answered)).filter(
    (name) => name !== "node:" && name !== "the program" && !expectedPackages.has(name),
  );
  return [
    ...targets,
    {
      text: "P11 no optional client is loaded",
      value: unexpected.length === 0 ? "none" : unexpected.join(", "),
      isMet: unexpected.length === 0,
    },
  ];
}

/** How many modules of each package there are among some addresses. */
function countByPackage(addresses: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const address of addresses) {
    const name = address.startsWith("node:")
      ? "node:"
      : (address.match(/.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1] ?? "the program");
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serve, type ServerType } from "@hono/node-server";
import { Hono } from "hono";
import { HonoRequest } from "hono/request";
import { Background } from "../background/background.ts";
import { RequestTasks } from "../background/request-tasks.ts";
import type { Params } from "../dependencies/dependency.ts";
import { createPlan, type Plan } from "../dependencies/plan.ts";
import type { Problem } from "../dependencies/problem.ts";
import type { RequestScope } from "../dependencies/request-scope.ts";
import { HTTPException } from "../internal/http-exception.ts";

/** What tests may say of a request beside itself. */
export interface ScopeOptions {
  /** The raw parts of the path, by name. */
  readonly path?: Readonly<Record<string, string>>;
  readonly maxBodyBytes?: number;
}

/** What a plan made of a request. */
export interface Solved {
  readonly values: Record<string, unknown>;
  readonly problems: readonly Problem[] | undefined;
  readonly scope: RequestScope;
}

export function createScope(req: HonoRequest, plan: Plan, maxBodyBytes = 2 ** 20): RequestScope {
  const { raw } = req;
  return {
    req,
    tasks: new RequestTasks(new Background(), {
      taskRequest: { id: "1", method: raw.method, url: raw.url, headers: raw.headers, signal: raw.signal },
    }),
    signal: raw.signal,
    values: [],
    problems: undefined,
    opened: undefined,
    limits: { maxBodyBytes },
    memo: new Map(),
    sources: plan.sources,
  };
}

export function planOf(params: Params): Plan {
  return createPlan([], params, { label: "GET /", token: () => undefined, overrides: new Map() });
}

/** Solves declared parameters for a request in memory. */
export async function solve(
  params: Params,
  request: Request | string,
  { path = {}, maxBodyBytes }: ScopeOptions = {},
): Promise<Solved> {
  const plan = planOf(params);
  const raw = typeof request === "string" ? new Request(`http://localhost${request}`) : request;
  const req = new HonoRequest(raw, "/", [[[undefined, path]]] as never);
  const scope = createScope(req, plan, maxBodyBytes);
  await plan.solve(scope);
  return { values: plan.arguments(scope), problems: scope.problems, scope };
}

/** The HTTPException that a promise rejects with. */
export async function exceptionOf(promise: Promise<unknown>): Promise<HTTPException> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof HTTPException) return error;
    throw error;
  }
  throw new Error("Expected an HTTPException, but nothing was thrown.");
}

/** Serves parameters over a real socket: 200 with what `answer` makes of the values, 422 with the problems, or the status thrown. */
export async function serveParams(
  params: Params,
  answer: (values: Record<string, unknown>) => unknown,
  maxBodyBytes?: number,
): Promise<{ readonly url: string; readonly port: number; readonly errors: unknown[]; close(): Promise<void> }> {
  const plan = planOf(params);
  const errors: unknown[] = [];
  const app = new Hono();
  app.all("/", async (c) => {
    const scope = createScope(c.req, plan, maxBodyBytes);
    try {
      await plan.solve(scope);
      if (scope.problems) return c.json({ detail: scope.problems }, 422);
      return c.json(await answer(plan.arguments(scope)));
    } catch (error) {
      errors.push(error);
      if (!(error instanceof HTTPException)) return c.text("Internal Server Error", 500);
      return new Response(JSON.stringify({ detail: error.detail }), { status: error.status, headers: error.headers });
    } finally {
      scope.tasks.end();
      await scope.tasks.settled;
    }
  });
  const server = await new Promise<ServerType>((resolve) => {
    const made = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1", overrideGlobalObjects: false }, () =>
      resolve(made),
    );
  });
  const { port } = server.address() as { port: number };
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      if ("closeAllConnections" in server) server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${port}/`, port, errors, close };
}

/** A temporary directory for this process alone. Removing it fails when something is left in it. */
export interface TemporaryDirectory {
  list(): Promise<string[]>;
  remove(): Promise<void>;
}

/** Gives the process a temporary directory of its own, to see what is left in it. */
export async function useTemporaryDirectory(): Promise<TemporaryDirectory> {
  const before = process.env.TMPDIR;
  const path = await mkdtemp(join(tmpdir(), "params-test-"));
  process.env.TMPDIR = path;
  return {
    list: () => readdir(path, { recursive: true }),
    async remove() {
      if (before === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = before;
      const left = await readdir(path, { recursive: true });
      await rm(path, { recursive: true, force: true });
      if (left.length > 0) throw new Error(`Temporary files were left: ${left.join(", ")}.`);
    },
  };
}

import { expect, test } from "vitest";
import { endExamples, runExample, type RunningExample } from "./run-example.ts";

endExamples();

async function logIn(example: RunningExample, username: string, password: string, scope?: string) {
  const form = new URLSearchParams({ username, password, ...(scope !== undefined && { scope }) });
  const answer = await example.fetch("/token", { method: "POST", body: form });
  return { status: answer.status, body: (await answer.json()) as { access_token?: string; detail?: unknown } };
}

async function ask(example: RunningExample, path: string, token?: string) {
  const answer = await example.fetch(
    path,
    token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } },
  );
  return { status: answer.status, challenge: answer.headers.get("www-authenticate"), body: await answer.json() };
}

test("security: a token opens what its scopes allow, and nothing else does", async () => {
  const example = await runExample("security");
  expect(await ask(example, "/users/me")).toMatchObject({ status: 401, challenge: 'Bearer scope="me"' });
  for (const [name, password] of [
    ["ada", "wrong"],
    ["nobody", "lovelace"],
  ] as const)
    expect(await logIn(example, name, password)).toEqual({ status: 400, body: { detail: "Wrong name or password" } });
  expect((await logIn(example, "ada", "")).status).toBe(422);

  const all = (await logIn(example, "ada", "lovelace", "me items")).body.access_token!;
  expect((await ask(example, "/users/me", all)).body).toEqual({ name: "Ada", scopes: ["me", "items"] });
  expect((await ask(example, "/users/me/items", all)).body).toHaveLength(1);

  // A scope that Bob does not have is not granted, though he asks for it.
  const some = (await logIn(example, "bob", "builder", "me items")).body.access_token!;
  expect((await ask(example, "/users/me", some)).status).toBe(200);
  expect(await ask(example, "/users/me/items", some)).toMatchObject({
    status: 403,
    challenge: 'Bearer scope="me items"',
  });

  const [head, payload, signature] = all.split(".");
  const forged = Buffer.from(JSON.stringify({ sub: "ada", scope: "me items", exp: 9e9 })).toString("base64url");
  for (const token of [
    `${head}.${forged}.${signature}`,
    `${head}.${payload}.`,
    "x",
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.",
  ])
    expect((await ask(example, "/users/me", token)).status).toBe(401);
  expect(await example.stop()).toBe(0);
});

import { App } from "afterword";
import { expect, test } from "vitest";
import { RawClient } from "../support/raw-client.ts";
import { keepTidy } from "../support/tidy.ts";

keepTidy();

const app = new App();
app.get("/where", { request: Request }, ({ request }) => request.url);

async function urlSeen(proxyHeaders: boolean, headers: Record<string, string>): Promise<string> {
  await using server = await app.listen({ port: 0, signals: false, proxyHeaders });
  const client = await RawClient.connect(server.port);
  return JSON.parse((await client.send("GET", "/where?q=1", { headers }).response).text) as string;
}

const forwarded = { "x-forwarded-proto": "https", "x-forwarded-host": "api.example.com" };

test("a server that does not believe them takes no notice of forwarded headers", async () => {
  expect(await urlSeen(false, forwarded)).toBe("http://127.0.0.1/where?q=1");
});

test.each([
  [forwarded, "https://api.example.com/where?q=1"],
  [{ "x-forwarded-proto": "https" }, "https://127.0.0.1/where?q=1"],
  [{ "x-forwarded-host": "[::1]:8443, inner" }, "http://[::1]:8443/where?q=1"],
  [{ "x-forwarded-proto": "HTTPS, http" }, "https://127.0.0.1/where?q=1"],
  [{ "x-forwarded-proto": "gopher" }, "http://127.0.0.1/where?q=1"],
  [{ "x-forwarded-host": "evil.example/..//" }, "http://127.0.0.1/where?q=1"],
  [{}, "http://127.0.0.1/where?q=1"],
])("a server that believes them sees the address that the client asked for: %o", async (headers, url) => {
  expect(await urlSeen(true, headers as Record<string, string>)).toBe(url);
});

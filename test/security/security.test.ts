import { apiKey, App, basic, bearer, constantTimeEqual, dependency, oauth2Password } from "afterword";
import { TestClient } from "afterword/testing";
import { describe, expect, test } from "vitest";

const app = new App();
app.get("/bearer", { token: bearer({ realm: "shop" }) }, ({ token }) => ({ token }));
app.get("/maybe", { token: bearer({ optional: true }) }, ({ token }) => ({ token: token ?? null }));
app.get("/basic", { credentials: basic() }, ({ credentials }) => credentials);
for (const place of ["header", "query", "cookie"] as const)
  app.get(`/${place}`, { key: apiKey({ in: place, name: "X-Key" }) }, ({ key }) => ({ key }));
const oauth = oauth2Password({ tokenUrl: "token", scopes: { me: "You", items: "Your items" } });
app.get("/scoped", { token: oauth.withScopes("me", "items") }, ({ token }) => ({ token }));

const client = new TestClient(app);
const encode = (text: string): string => Buffer.from(text).toString("base64");

async function ask(path: string, headers: Record<string, string> = {}) {
  const response = await client.get(path, { headers });
  return { status: response.status, challenge: response.headers.get("www-authenticate"), body: await response.json() };
}

describe("credentials", () => {
  test.each([
    ["/bearer", { authorization: "Bearer abc.def" }, { token: "abc.def" }],
    ["/bearer", { authorization: "bEARER   abc " }, { token: "abc" }],
    ["/maybe", { authorization: "Bearer x" }, { token: "x" }],
    ["/maybe", {}, { token: null }],
    ["/maybe", { authorization: "Basic x" }, { token: null }],
    ["/basic", { authorization: `Basic ${encode("ada:love:lace")}` }, { username: "ada", password: "love:lace" }],
    ["/basic", { authorization: `Basic ${encode("Zoë:żółć")}` }, { username: "Zoë", password: "żółć" }],
    ["/basic", { authorization: `Basic ${encode(":")}` }, { username: "", password: "" }],
    ["/header", { "x-key": "k" }, { key: "k" }],
    ["/query?X-Key=k%20k", {}, { key: "k k" }],
    ["/cookie", { cookie: "a=b; X-Key=k" }, { key: "k" }],
    ["/scoped", { authorization: "Bearer t" }, { token: "t" }],
  ])("are read: %s %o", async (path, headers, body) => {
    expect(await ask(path, headers as Record<string, string>)).toEqual({ status: 200, challenge: null, body });
  });

  test.each([
    ["/bearer", {}, 'Bearer realm="shop"'],
    ["/bearer", { authorization: "Bearer" }, 'Bearer realm="shop"'],
    ["/bearer", { authorization: "Bearer   " }, 'Bearer realm="shop"'],
    ["/bearer", { authorization: "Bearerabc" }, 'Bearer realm="shop"'],
    ["/bearer", { authorization: "Basic abc" }, 'Bearer realm="shop"'],
    ["/basic", {}, 'Basic realm="Restricted", charset="UTF-8"'],
    ["/basic", { authorization: "Basic not base64" }, 'Basic realm="Restricted", charset="UTF-8"'],
    ["/basic", { authorization: `Basic ${encode("no colon")}` }, 'Basic realm="Restricted", charset="UTF-8"'],
    ["/basic", { authorization: "Basic /zo=" }, 'Basic realm="Restricted", charset="UTF-8"'],
    ["/header", {}, 'ApiKey in="header", name="X-Key"'],
    ["/header", { "x-key": "" }, 'ApiKey in="header", name="X-Key"'],
    ["/query?x-key=k", {}, 'ApiKey in="query", name="X-Key"'],
    ["/query?X-Key=", {}, 'ApiKey in="query", name="X-Key"'],
    ["/cookie", { cookie: "x-key=k" }, 'ApiKey in="cookie", name="X-Key"'],
    ["/scoped", {}, 'Bearer scope="me items"'],
  ])(
    "that are missing or cannot be read are answered with 401 and a challenge: %s %o",
    async (path, headers, challenge) => {
      expect(await ask(path, headers as Record<string, string>)).toEqual({
        status: 401,
        challenge,
        body: { detail: "Not authenticated" },
      });
    },
  );

  test("that are missing keep the dependency that checks them from being called", async () => {
    const calls: string[] = [];
    const checked = new App();
    const user = dependency({ token: bearer() }, ({ token }) => calls.push(token));
    checked.get("/", { dependencies: [user] }, {}, () => calls.push("handler"));
    await using checkedClient = new TestClient(checked);
    expect((await checkedClient.get("/")).status).toBe(401);
    expect(calls).toEqual([]);
  });
});

describe("declarations", () => {
  test.each([
    [() => bearer({ colour: "red" } as never), /bearer\(\) has no option "colour"/],
    [() => bearer("token" as never), /bearer\(\) expects an object with the options optional, schemeName/],
    [() => bearer({ realm: 'a"b' }), /"realm" of bearer\(\) must be printable text without quotes/],
    [() => basic({ schemeName: "a b" }), /"schemeName" of basic\(\) must be a name of letters, digits/],
    [() => apiKey({ in: "body", name: "x" } as never), /"in" of apiKey\(\) must be "header", "query" or "cookie"/],
    [() => apiKey({ in: "header", name: "X Key" }), /"name" of apiKey\(\) must be a name of letters/],
    [() => apiKey({ in: "header" } as never), /apiKey\(\) expects where the key stands/],
    [() => apiKey(undefined as never), /apiKey\(\) expects where the key stands/],
    [() => oauth2Password({} as never), /oauth2Password\(\) expects where tokens are given out/],
    [
      () => oauth2Password({ tokenUrl: "t", scopes: { "a b": "x" } }),
      /"scopes" of oauth2Password\(\) must be an object/,
    ],
    [
      () => oauth.withScopes("other" as never),
      /expects scopes that oauth2Password\(\) declares \(me, items\), but got 'other'/,
    ],
  ])("that cannot work are refused: %s", (declare, message) => {
    expect(declare).toThrow(message);
  });
});

describe("constantTimeEqual", () => {
  test("tells equal secrets from others of any length", () => {
    expect(constantTimeEqual("secret", "secret")).toBe(true);
    expect(constantTimeEqual("", "")).toBe(true);
    for (const other of ["secreT", "secre", "secret ", "", "ſecret"])
      expect(constantTimeEqual("secret", other)).toBe(false);
  });

  test("does not take texts for equal that only UTF-8 cannot tell apart", () => {
    expect(constantTimeEqual("\ud800", "\ud801")).toBe(false);
  });
});

// Users who log in with a name and a password and get a signed token (a JWT), as in FastAPI's tutorial: the "Authorize" button
// of /docs does it. Passwords are hashed with scrypt, tokens signed by the library jose.
//
//   node --conditions=afterword-source examples/security.ts
//   curl -d username=ada -d password=lovelace -d "scope=me items" http://127.0.0.1:8000/token     (or http://127.0.0.1:8000/docs)
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { App, dependency, form, HTTPException, oauth2Password } from "afterword";
import { jwtVerify, SignJWT } from "jose";
import * as z from "zod";

const scopes = { me: "Read who you are", items: "Read your items" };
type Scope = keyof typeof scopes;

/** In production: the same for all processes, from a secret store. */
const secret = randomBytes(32);
const hash = promisify(scrypt) as (password: string, salt: Buffer, bytes: number) => Promise<Buffer>;

interface User {
  readonly name: string;
  readonly scopes: readonly Scope[];
}

const salt = randomBytes(16);
const users = new Map([
  ["ada", { user: { name: "Ada", scopes: ["me", "items"] } as User, passwordHash: await hash("lovelace", salt, 32) }],
  ["bob", { user: { name: "Bob", scopes: ["me"] } as User, passwordHash: await hash("builder", salt, 32) }],
]);
/** For names that nobody has: a wrong name takes as long as a wrong password. */
const nobody = randomBytes(32);

async function authenticate(username: string, password: string): Promise<User | undefined> {
  const known = users.get(username);
  const isRight = timingSafeEqual(await hash(password, salt, 32), known?.passwordHash ?? nobody);
  return isRight ? known?.user : undefined;
}

const oauth = oauth2Password({ tokenUrl: "token", scopes });

/** The user of a request, whose token must allow all of the scopes. */
const userWith = (...needed: readonly Scope[]) =>
  dependency({ token: oauth.withScopes(...needed) }, async ({ token }) => {
    const challenge = { "www-authenticate": `Bearer scope="${needed.join(" ")}"` };
    const verified = await jwtVerify(token, secret).catch(() => {
      throw new HTTPException(401, "The token is not valid", challenge);
    });
    const found = users.get(String(verified.payload.sub));
    if (found === undefined) throw new HTTPException(401, "The token is not valid", challenge);
    const allowed = String(verified.payload.scope).split(" ");
    if (!needed.every((scope) => allowed.includes(scope)))
      throw new HTTPException(403, "The token does not allow this", challenge);
    return found.user;
  });

const app = new App({ title: "Security" });

const Login = z.object({ username: z.string(), password: z.string(), scope: z.string().default("") });

app.post(
  "/token",
  { responses: { 400: "Wrong name or password" } },
  { login: form(Login, { secret: true }) },
  async ({ login }) => {
    const user = await authenticate(login.username, login.password);
    if (user === undefined) throw new HTTPException(400, "Wrong name or password");
    const granted = login.scope.split(" ").filter((scope) => user.scopes.includes(scope as Scope));
    const token = await new SignJWT({ scope: granted.join(" ") })
      .setProtectedHeader({ alg: "HS256" })
      .setSubject(login.username)
      .setIssuedAt()
      .setExpirationTime("30m")
      .sign(secret);
    return { access_token: token, token_type: "bearer" };
  },
);

app.get(
  "/users/me",
  { responses: { 403: "The token does not allow this" } },
  { user: userWith("me") },
  ({ user }) => user,
);

app.get(
  "/users/me/items",
  { responses: { 403: "The token does not allow this" } },
  { user: userWith("me", "items") },
  ({ user }) => [{ item: "Notes on the Analytical Engine", owner: user.name }],
);

export default app;

if (import.meta.main) {
  const { url } = await app.listen({ port: Number(process.env.PORT ?? 8000) });
  console.log(`Serving on ${url}`);
}

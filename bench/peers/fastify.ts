// Fastify with JSON schemas for parameters and answer, which it compiles; no logger, its default.
import fastify from "fastify";
import { counts, emailPattern, part, port, runAfter, writeLog } from "./work.ts";

const app = fastify();

const params = {
  type: "object",
  properties: { email: { type: "string", pattern: emailPattern.source } },
  required: ["email"],
};
const querystring = { type: "object", properties: { q: { type: "string" } } };
const response = { 200: { type: "object", properties: { message: { type: "string" } }, required: ["message"] } };

app.get("/counts", (_, reply) => {
  reply.send(counts);
});

if (part === "p1")
  app.post<{ Params: { email: string } }>(
    "/send-notification/:email",
    { schema: { params, response } },
    ({ params: { email } }, reply) => {
      counts.requests++;
      runAfter(reply.raw, [() => writeLog(`message to ${email}\n`)]);
      reply.send({ message: "Message sent" });
    },
  );
else
  app.post<{ Params: { email: string }; Querystring: { q?: string } }>(
    "/send-notification/:email",
    { schema: { params, querystring, response } },
    ({ params: { email }, query }, reply) => {
      counts.requests++;
      const tasks: (() => unknown)[] = [];
      getQuery(query, tasks);
      tasks.push(() => writeLog(`message to ${email}\n`));
      runAfter(reply.raw, tasks);
      reply.send({ message: "Message sent" });
    },
  );

function getQuery({ q }: { q?: string }, tasks: (() => unknown)[]): string | undefined {
  if (q) tasks.push(() => writeLog(`found query: ${q}\n`));
  return q;
}

await app.listen({ port, host: "127.0.0.1" });

// Nest on Fastify, its faster engine; the e-mail is checked by hand, the cheapest way. Decorators are called, since Node does not
// compile them.
import "reflect-metadata";
import type { ServerResponse } from "node:http";
import { Controller, Get, HttpCode, HttpException, Module, Param, Post, Query, Res } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { FastifyAdapter } from "@nestjs/platform-fastify";
import { counts, emailPattern, part, port, runAfter, writeLog } from "./work.ts";

interface Reply {
  readonly raw: ServerResponse;
}

class Notifications {
  counts(): typeof counts {
    return counts;
  }

  send(email: string, reply: Reply): object {
    if (!emailPattern.test(email)) throw new HttpException({ detail: "Not an e-mail address" }, 422);
    counts.requests++;
    runAfter(reply.raw, [() => writeLog(`message to ${email}\n`)]);
    return { message: "Message sent" };
  }

  sendWithQuery(email: string, reply: Reply, q: string | undefined): object {
    if (!emailPattern.test(email)) throw new HttpException({ detail: "Not an e-mail address" }, 422);
    counts.requests++;
    const tasks: (() => unknown)[] = [];
    if (q) tasks.push(() => writeLog(`found query: ${q}\n`));
    tasks.push(() => writeLog(`message to ${email}\n`));
    runAfter(reply.raw, tasks);
    return { message: "Message sent" };
  }
}

const { prototype } = Notifications;
decorate("counts", Get("counts"));
const method = part === "p1" ? "send" : "sendWithQuery";
decorate(method, Post("send-notification/:email"));
decorate(method, HttpCode(200));
Param("email")(prototype, method, 0);
Res({ passthrough: true })(prototype, method, 1);
if (method === "sendWithQuery") Query("q")(prototype, method, 2);
Controller()(Notifications);

// oxlint-disable-next-line typescript/no-extraneous-class -- a module is no more than what its decorator says
class Root {}
Module({ controllers: [Notifications] })(Root);

const app = await NestFactory.create(Root, new FastifyAdapter(), { logger: false });
await app.listen(port, "127.0.0.1");

function decorate(name: keyof Notifications, decorator: MethodDecorator): void {
  decorator(prototype, name, Object.getOwnPropertyDescriptor(prototype, name)!);
}

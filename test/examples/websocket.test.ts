import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { connect, Refused } from "../support/sockets.ts";
import { waitUntil } from "../support/wait-until.ts";
import { endExamples, runExample } from "./run-example.ts";

endExamples();

test("websocket: members of a room hear each other, and a task writes down who has gone", async () => {
  const example = await runExample("websocket");
  const url = example.url.replace("http", "ws");
  await expect(connect(`${url}/chat/tea`)).rejects.toThrow(Refused);
  const ada = await connect(`${url}/chat/tea?name=Ada`);
  expect(await ada.receive()).toBe("Ada has come");
  const bob = await connect(`${url}/chat/tea?name=Bob`);
  expect(await ada.receive()).toBe("Bob has come");
  expect(await bob.receive()).toBe("Bob has come");
  bob.send("hello");
  expect(await ada.receive()).toBe("Bob: hello");
  bob.close();
  expect(await ada.receive()).toBe("Bob has gone");
  const log = join(example.directory, "log.txt");
  await waitUntil(async () => (await readFile(log, "utf8").catch(() => "")) === "Bob said 1 things in tea\n");
  ada.close();
  await ada.closed;
  expect(await example.stop()).toBe(0);
});

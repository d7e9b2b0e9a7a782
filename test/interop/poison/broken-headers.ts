import { call, dead, deadForNobody, embed, withHeaders, type Fate, type PoisonRow } from "./row.ts";

function row(name: string, headers: Readonly<Record<string, unknown>>, fate: Fate): PoisonRow {
  return { name, message: (id) => withHeaders(id, headers), fate };
}

const bad = (header: string): Fate => dead(new RegExp(`The header ${header} must be `));
const runs: Fate = { succeeded: 1 };

const names: readonly PoisonRow[] = [
  {
    name: "no headers",
    message: (id) => call(id, { headers: undefined }),
    fate: deadForNobody(/The header id must be/),
  },
  {
    name: "headers of null",
    message: (id) => call(id, { headers: null }),
    fate: deadForNobody(/The header id must be/),
  },
  ...([undefined, null, "", 42, true, ["id"], { id: "x" }] as const).map((wrong): PoisonRow => ({
    name: `an id that is ${JSON.stringify(wrong)}`,
    message: (id) => withHeaders(id, { id: wrong }),
    fate: deadForNobody(/The header id must be/),
  })),
  ...([undefined, null, "", 42, ["poison.count"]] as const).map((task) =>
    row(`a task that is ${JSON.stringify(task)}`, { task }, bad("task")),
  ),
  ...[
    "nobody.knows",
    "__proto__",
    "constructor",
    "poison.count ",
    "a".repeat(100_000),
    "poison\0count",
    "Ünïcödé 🐇",
  ].map((task) =>
    row(
      `an unknown task ${JSON.stringify(task.slice(0, 20))}`,
      { task },
      { dead: /This worker knows no task/, answered: "NotRegistered" },
    ),
  ),
];

const numbers: readonly PoisonRow[] = [
  ...["0", -1, 1.5, 1e300, [], {}].map((retries) =>
    row(`retries of ${JSON.stringify(retries)}`, { retries }, bad("retries")),
  ),
  row("retries of null", { retries: null }, runs),
  row("retries of 2 to the 53rd", { retries: Number.MAX_SAFE_INTEGER }, runs),
  ...["10", 10, { hard: 1 }, [-1, null], ["10", "5"], [true]].map((timelimit) =>
    row(`a time limit of ${JSON.stringify(timelimit)}`, { timelimit }, bad("timelimit")),
  ),
  ...[[null, null], [], [1e12, null], [1e200, 1e200], [0, 0], [null, 5], [30, 20, 10]].map((timelimit) =>
    row(`a time limit of ${JSON.stringify(timelimit)} seconds`, { timelimit }, runs),
  ),
  ...["0", -1, 0.5].map((group_index) =>
    row(`a place in the group of ${JSON.stringify(group_index)}`, { group_index }, bad("group_index")),
  ),
];

/** Whoever sent it has another time than we, or writes it in another way. */
const clocks: readonly PoisonRow[] = [
  ...["0001-01-01T00:00:00", "1970-01-01T00:00:00Z", "2020-02-29T12:00:00.123456+14:00", "2024-01-01"].map((eta) =>
    row(`an eta of ${eta}`, { eta }, runs),
  ),
  ...["9999-12-31T23:59:59.999999", "9999-12-31T23:59:59-12:00"].map((eta) =>
    row(`an eta of ${eta}`, { eta }, { waits: true }),
  ),
  ...["", "soon", "2026-13-01T00:00:00", "2026-02-30T00:00:00", "2026-01-01T25:00:00Z", 1_700_000_000, {}, true].map(
    (eta) => row(`an eta of ${JSON.stringify(eta)}`, { eta }, bad("eta")),
  ),
  ...["9999-12-31T23:59:59.999999", "9999-12-31T23:59:59Z"].map((expires) =>
    row(`an expiry of ${expires}`, { expires }, runs),
  ),
  ...["0001-01-01T00:00:00", "1970-01-01T00:00:00+00:00", "2020-02-29T12:00:00.5"].map((expires) =>
    row(`an expiry of ${expires}`, { expires }, { ended: "REVOKED", error: "TaskRevokedError" }),
  ),
  ...["", "never", 60, [1], false].map((expires) =>
    row(`an expiry of ${JSON.stringify(expires)}`, { expires }, bad("expires")),
  ),
  row(
    "an expiry before its eta",
    { eta: "9999-12-31T00:00:00Z", expires: "2020-01-01T00:00:00Z" },
    { ended: "REVOKED", error: "TaskRevokedError" },
  ),
];

const others: readonly PoisonRow[] = [
  ...["group", "root_id", "parent_id"].map((header) =>
    row(`a ${header} that is a number`, { [header]: 1 }, bad(header)),
  ),
  row("ignore_result that is a word", { ignore_result: "yes" }, bad("ignore_result")),
  row(
    "wrong types in what is only shown",
    { argsrepr: 1, kwargsrepr: [], origin: {}, shadow: 7, lang: null, redelivered: "yes", stamps: 4 },
    runs,
  ),
  row("headers of any names", { "": 1, __proto__: 2, constructor: null, "a\0b": ["x"], "🐇": {} }, runs),
  row("a megabyte in a header", { argsrepr: "x".repeat(1_048_576) }, runs),
  ...["null", "[]", "7", "{}", "{", '{"keepResultMs":"soon"}', '{"keepFailedMs":-1,"keepResultMs":1e99}'].map((text) =>
    row(`settings of ours of ${text}`, { afterword: text }, runs),
  ),
  ...['{"attempts":"many"}', '{"attempts":3,"backoff":7}', '{"timeoutMs":"long"}', '{"timeoutMs":-1}'].map((text) =>
    row(`settings of ours of ${text}`, { afterword: text }, runs),
  ),
  ...["null", "[]", "7", "{", '{"kwargs":{}}'].map((text) =>
    row(`notes of ours of ${text}`, { afterword_meta: text }, runs),
  ),
  row("arguments of ours that are no JSON", { afterword_args: "[1," }, { ended: "FAILURE", error: "InvalidTaskError" }),
  row("arguments of ours that are no list", { afterword_args: "7" }, { ended: "FAILURE", error: "InvalidTaskError" }),
];

const properties: readonly PoisonRow[] = [
  ...[-1, -1e9, 99, 1.5, "high", null, [], true].map((priority): PoisonRow => ({
    name: `a priority of ${JSON.stringify(priority)}`,
    message: (id) => call(id, { properties: { priority } }),
    fate: runs,
  })),
  {
    name: "addresses for replies that are none",
    message: (id) =>
      call(id, { properties: { reply_to: 7, correlation_id: ["x"], expiration: "soon", delivery_mode: "x" } }),
    fate: runs,
  },
];

/** What Celery before 4.0 sends: everything in the body. */
const protocol1: readonly PoisonRow[] = [
  {
    name: "a message of protocol 1",
    message: (id) =>
      call(id, {
        headers: {},
        body: JSON.stringify({
          id,
          task: "poison.count",
          args: ["one"],
          kwargs: {},
          retries: 0,
          eta: null,
          expires: null,
        }),
      }),
    fate: runs,
  },
  {
    name: "a message of protocol 1 in headers of protocol 2",
    message: (id) => call(id, { body: JSON.stringify({ args: ["one"], kwargs: {}, callbacks: null }) }),
    fate: runs,
  },
  {
    name: "a message of protocol 1 without a task",
    message: (id) => call(id, { headers: {}, body: JSON.stringify({ id, args: [], kwargs: {} }) }),
    fate: deadForNobody(/The header task must be/),
  },
  {
    name: "a message of protocol 1 that has expired",
    message: (id) =>
      call(id, {
        headers: {},
        body: JSON.stringify({ id, task: "poison.count", args: [], kwargs: {}, expires: "2020-01-01T00:00:00" }),
      }),
    fate: { ended: "REVOKED", error: "TaskRevokedError" },
  },
  {
    name: "a message of protocol 1 that is an empty object",
    message: (id) => call(id, { headers: {}, body: "{}" }),
    fate: deadForNobody(/The header id must be/),
  },
];

/** What a task makes of what it is given. */
const outcomes: readonly PoisonRow[] = [
  {
    name: "a task that returns what is nested too deeply",
    message: (id) => call(id, { headers: { id, task: "poison.nest" }, body: JSON.stringify([[5_000], {}, embed]) }),
    fate: { ended: "FAILURE", error: "AfterwordError" },
  },
  {
    name: "a task that returns as much as may be, in a chain",
    message: (id) => ({
      headers: { id, task: "poison.nest" },
      contentType: "application/json",
      contentEncoding: "utf-8",
      body: JSON.stringify([[200], {}, { ...embed, chain: [{ task: "poison.count", options: { queue: "poison" } }] }]),
    }),
    fate: { succeeded: JSON.parse("[".repeat(200) + "]".repeat(200)) },
  },
];

export const brokenHeaders: readonly PoisonRow[] = [
  ...names,
  ...numbers,
  ...clocks,
  ...others,
  ...properties,
  ...protocol1,
  ...outcomes,
];

/** What only the script of Redis reads. */
export const brokenInstants: readonly PoisonRow[] = [
  row("an instant of ours that is a word", { afterword_eta: "soon" }, runs),
  row("an instant of ours that is beyond all time", { afterword_eta: 1e300 }, { waits: true }),
  row("an instant of ours before all time", { afterword_eta: -1e300 }, runs),
];

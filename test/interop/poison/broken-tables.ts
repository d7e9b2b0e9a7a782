import { call, dead, deadForNobody, embed, withEmbed, withHeaders, type Fate, type PoisonRow } from "./row.ts";

const runs: Fate = { succeeded: 1 };
const waits: Fate = { waits: true };
const long = "x".repeat(300);

/** A value of a table as the client of these tests writes it. */
function typed(type: string, value: unknown): unknown {
  return { "!": type, value };
}

/** A table that has a member of the name by which the client would tell a type. */
function table(members: Readonly<Record<string, unknown>>): unknown {
  return Object.create(members);
}

function nested(levels: number): unknown {
  let value: unknown = "deep";
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

/** Values that AMQP can say and JSON cannot, or that clients read and cannot write. */
const values: readonly (readonly [string, unknown])[] = [
  ["a number far below zero", typed("double", -1e300)],
  ["the longest integers", [typed("int64", "9223372036854775807"), typed("int64", "-9223372036854775808")]],
  ["a decimal", typed("decimal", { places: 2, digits: 4_294_967_295 })],
  ["the last of all instants", typed("timestamp", "18446744073709551615")],
  ["bytes", Buffer.from([0xff, 0xfe, 0])],
  ["a table with a type of no name", table({ "!": "nothing", value: 1 })],
  ["a table with the name of a type, and no value of it", table({ "!": "timestamp", value: "soon" })],
  ["a table with a type that is a table", table({ "!": {}, value: {} })],
  ["a table of tables", { a: [{ b: table({ "!": "decimal" }) }] }],
  ["a name of 255 letters", { [long.slice(0, 255)]: 1 }],
];

const tables: readonly PoisonRow[] = values.flatMap(([name, value]): readonly PoisonRow[] => [
  { name: `${name} in a header`, message: (id) => withHeaders(id, { stamps: value }), fate: runs },
  {
    name: `${name} in a header of a body that is broken`,
    message: (id) => call(id, { headers: { id, task: "poison.count", stamps: value }, body: "broken" }),
    fate: dead(/The body is not JSON/),
  },
  {
    name: `${name} in a header, with an eta`,
    message: (id) => withHeaders(id, { stamps: value, eta: "9999-12-31T23:59:59" }),
    fate: waits,
  },
]);

const identities: readonly PoisonRow[] = [
  {
    name: "an id that is an instant",
    message: (id) => withHeaders(id, { id: typed("timestamp", 1) }),
    fate: deadForNobody(/The header id must be/),
  },
  {
    name: "an id of bytes",
    message: (id) => withHeaders(id, { id: Buffer.from(id) }),
    resultId: (id) => Buffer.from(id).toString("base64"),
    fate: runs,
  },
  {
    name: "an id of 300 letters",
    message: (id) => withHeaders(id, { id: id + long }),
    resultId: (id) => id + long,
    fate: runs,
  },
  {
    name: "an id of 300 letters, of a task that is tried again",
    message: (id) => withHeaders(id, { id: id + long, task: "poison.again" }),
    resultId: (id) => id + long,
    fate: { succeeded: "again" },
  },
  {
    name: "an id of 300 letters, and an eta",
    message: (id) => withHeaders(id, { id: id + long, eta: "9999-12-31T23:59:59" }),
    fate: waits,
  },
  {
    name: "headers nested more deeply than anybody means",
    message: (id) => withHeaders(id, { stamps: nested(400) }),
    fate: dead(/The headers is nested more than 300 levels/),
  },
];

/** As many bytes as have room in what clients of Python send, which is more than ours can. */
const sizes: readonly PoisonRow[] = [
  {
    name: "50 KB in a header of a task that is tried again",
    message: (id) => withHeaders(id, { task: "poison.again", argsrepr: "x".repeat(50_000) }),
    fate: { succeeded: "again" },
  },
  {
    name: "a callback with headers of 200 KB",
    message: (id) => withEmbed(id, { callbacks: [callback({ headers: { mine: "x".repeat(200_000), [long]: 1 } })] }),
    fate: runs,
  },
  {
    name: "a callback with an id of 300 letters",
    message: (id) => withEmbed(id, { callbacks: [callback({ task_id: long })] }),
    fate: runs,
  },
  ...["x".repeat(300), "a*", "#", "amq.mine"].map((queue): PoisonRow => ({
    name: `a callback to a queue named ${queue.slice(0, 5)} of ${queue.length} letters, which cannot be`,
    message: (id) => withEmbed(id, { callbacks: [callback({ queue })] }),
    fate: { succeeded: 1, leaves: /has a name that RabbitMQ cannot use/ },
  })),
  {
    name: "a body of 24 MB",
    message: (id) => call(id, { body: JSON.stringify([["x".repeat(24 * 1_024 * 1_024)], {}, embed]) }),
    fate: dead(/more than 16777216 bytes/),
  },
];

const properties: readonly PoisonRow[] = [
  {
    name: "the wish not to be kept",
    message: (id) => call(id, { properties: { deliveryMode: 1 } }),
    fate: runs,
  },
  {
    name: "properties that say nothing, or what nobody does",
    message: (id) =>
      call(id, {
        contentType: "",
        contentEncoding: "",
        properties: { type: "x", app_id: "", message_id: long.slice(0, 255), correlation_id: "", reply_to: "nobody" },
      }),
    fate: dead(/only application\/json is read/),
  },
  {
    name: "the queue itself as address for replies",
    message: (id) => call(id, { properties: { reply_to: "poison" } }),
    fate: runs,
  },
  ...["CC", "BCC"].map((header): PoisonRow => ({
    name: `a copy for its own queue in ${header}, of a body that is broken`,
    message: (id) => call(id, { headers: { id, task: "poison.count", [header]: ["poison"] }, body: "broken" }),
    fate: dead(/The body is not JSON/),
  })),
  {
    name: "notes of the server that are none of its own",
    message: (id) =>
      withHeaders(id, { "x-death": 7, "x-delivery-count": "many", "x-first-death-queue": [], "x-delay": "soon" }),
    fate: runs,
  },
  {
    name: "counts of ours that are none",
    message: (id) => withHeaders(id, { afterword_deliveries: "many", afterword_sending: 7 }),
    fate: runs,
  },
];

function callback(options: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return { task: "poison.count", args: [], kwargs: {}, options, subtask_type: null, immutable: false };
}

/** What only AMQP can carry, with its own types in tables and its own properties. */
export const brokenTables: readonly PoisonRow[] = [...tables, ...identities, ...sizes, ...properties];

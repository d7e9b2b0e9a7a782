import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, it } from "vitest";
import { removeTempDirectories } from "../../../test/support/temp-directory.ts";
import { createJob } from "./new-job.fixture.ts";
import { connect, get, newFile, openStore } from "./sqlite.fixture.ts";

afterAll(removeTempDirectories);

describe("enqueue within the user's transaction", () => {
  it("stores with its commit, together with what the user stores", async () => {
    const file = await newFile();
    const store = await openStore(file);
    const own = connect(file);
    own.exec("CREATE TABLE orders (id TEXT); BEGIN; INSERT INTO orders VALUES ('o1')");
    const job = createJob();
    expect(await store.enqueue({ jobs: [job], transaction: own })).toEqual([{ id: job.id, isDuplicate: false }]);
    expect(await get(store, job.id)).toBeUndefined();
    own.exec("COMMIT");
    expect((await get(store, job.id)).status).toBe("queued");
    expect(await store.counts()).toMatchObject([{ queued: 1 }]);
  });

  it("stores nothing when it is rolled back", async () => {
    const file = await newFile();
    const store = await openStore(file);
    const own = connect(file);
    own.exec("BEGIN");
    await store.enqueue({ jobs: [createJob()], transaction: own });
    own.exec("ROLLBACK");
    expect(await store.counts()).toEqual([]);
  });

  it("leaves the transaction as it was when there is no room", async () => {
    const file = await newFile();
    const store = await openStore(file, { maxQueued: 1 });
    const own = connect(file);
    own.exec("CREATE TABLE orders (id TEXT); BEGIN; INSERT INTO orders VALUES ('o1')");
    const jobs = [createJob(), createJob()];
    await expect(store.enqueue({ jobs, transaction: own })).rejects.toMatchObject({ code: "queue_full" });
    own.exec("COMMIT");
    expect(own.prepare("SELECT count(*) AS count FROM orders").get()).toEqual({ count: 1 });
    expect(await store.counts()).toEqual([]);
  });

  it("takes a connection whose rows are arrays and whose integers are big", async () => {
    const file = await newFile();
    const store = await openStore(file, { maxQueued: 10 });
    const own = new DatabaseSync(file, { returnArrays: true, readBigInts: true });
    own.exec("BEGIN");
    await store.enqueue({ jobs: [createJob({ uniqueKey: "k" })], transaction: own });
    const [again] = await store.enqueue({ jobs: [createJob({ uniqueKey: "k" })], transaction: own });
    expect(again!.isDuplicate).toBe(true);
    own.exec("COMMIT");
    own.close();
  });

  it("refuses what is no connection, another file, and a connection without a transaction", async () => {
    const file = await newFile();
    const store = await openStore(file);
    const enqueue = (transaction: unknown): Promise<unknown> => store.enqueue({ jobs: [createJob()], transaction });
    const refusal = (text: string): object =>
      expect.objectContaining({ code: "invalid_transaction", message: expect.stringContaining(text) });
    await expect(enqueue("BEGIN")).rejects.toThrow(refusal("expects a connection"));
    const other = connect(await newFile());
    other.exec("BEGIN");
    await expect(enqueue(other)).rejects.toThrow(refusal("cannot span both"));
    await expect(enqueue(connect(file))).rejects.toThrow(refusal("no transaction is open"));
  });
});

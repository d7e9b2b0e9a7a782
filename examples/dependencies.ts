// Two dependencies with clean-up: a transaction that is committed before the response leaves, and a connection that stays
// open for the background task. An order for nothing throws: it is rolled back, and no receipt is sent.
//
//   node --conditions=afterword-source examples/dependencies.ts
//   curl -X POST "http://127.0.0.1:8000/orders?item=tea&count=2"
//   curl -X POST "http://127.0.0.1:8000/orders?item=tea&count=0"
import { DatabaseSync } from "node:sqlite";
import { App, BackgroundTasks, HTTPException, dependency, query } from "afterword";
import * as z from "zod";

// Scope "request" is the default: what stands after `yield` runs when the tasks of the request have ended.
const connection = dependency(function* () {
  const db = new DatabaseSync("orders.db");
  db.exec("CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, item TEXT NOT NULL, count INTEGER NOT NULL)");
  try {
    yield db;
  } finally {
    db.close();
    console.log("connection closed");
  }
});

// Scope "function": it is committed when the handler has returned. If that fails, so does the request.
const transaction = dependency({ scope: "function" }, { db: connection }, function* ({ db }) {
  db.exec("BEGIN");
  try {
    yield db;
    db.exec("COMMIT");
    console.log("committed");
  } catch (error) {
    db.exec("ROLLBACK");
    console.log("rolled back");
    throw error;
  }
});

function sendReceipt(db: DatabaseSync, id: number | bigint) {
  const order = db.prepare("SELECT item, count FROM orders WHERE id = ?").get(id);
  console.log(`receipt for ${order?.count} × ${order?.item}`);
}

const app = new App({ title: "Orders" });

app.post(
  "/orders",
  { status: 201 },
  { item: query(z.string()), count: query(z.int()), db: transaction, tasks: BackgroundTasks },
  ({ item, count, db, tasks }) => {
    const { lastInsertRowid: id } = db.prepare("INSERT INTO orders (item, count) VALUES (?, ?)").run(item, count);
    tasks.addTask(sendReceipt, db, id);
    if (count < 1) throw new HTTPException(409, "There is nothing to deliver");
    return { id: Number(id) };
  },
);

export default app;

if (import.meta.main) {
  const { url } = await app.listen({ port: Number(process.env.PORT ?? 8000) });
  console.log(`Serving on ${url}`);
}

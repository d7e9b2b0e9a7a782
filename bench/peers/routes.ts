// Serves a table of routes: `routes.ts <framework> <port> <routes> <distinct or overlapping>`.
import { routeTable } from "../lib/route-table.ts";
import { tableApps } from "./table-apps.ts";

const [framework, port, count, kind] = process.argv.slice(2);
const app = tableApps[framework!]!();
app.define(routeTable(Number(count), kind === "overlapping"));
await app.listen(Number(port));

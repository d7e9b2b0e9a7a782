import type { Pool } from "pg";
import type { PgBoss } from "pg-boss";
import { AfterwordError } from "../../internal/afterword-error.ts";
import type { Tables } from "./options.ts";
import { bossVersion } from "./schema.ts";

/** So long stopping may take. */
const stopMs = 500;

/**
 * pg-boss itself: it creates and migrates its schema, counts for its dashboard, and deletes jobs that were kept for their
 * time. It hands out nothing: workers of ours do.
 *
 * @param pool - for what takes long
 */
export async function startBoss(pool: Pool, { boss: schema }: Tables): Promise<PgBoss> {
  const { PgBoss: Boss } = await import("pg-boss");
  await assertVersion(pool, schema, "before");
  const boss = new Boss({
    db: {
      executeSql: async (text, values) => {
        const result: unknown = await pool.query(text, values as unknown[] | undefined);
        // Of several statements, pg gives an array of results.
        return { rows: [result].flat().flatMap((each) => (each as { rows?: unknown[] }).rows ?? []) };
      },
    },
    schema,
    schedule: false,
    superviseIntervalSeconds: 5,
    monitorIntervalSeconds: 5,
    maintenanceIntervalSeconds: 60,
  });
  // What it cannot do now it does at the next time.
  boss.on("error", () => {});
  await boss.start();
  await assertVersion(pool, schema, "after");
  return boss;
}

export async function stopBoss(boss: PgBoss): Promise<void> {
  const stopped = boss.stop({ graceful: false, close: false }).catch(() => {});
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([stopped, new Promise((resolve) => (timer = setTimeout(resolve, stopMs)))]);
  clearTimeout(timer);
}

async function assertVersion(pool: Pool, schema: string, when: "before" | "after"): Promise<void> {
  const { rows } = await pool.query<{ there: string | null }>("SELECT to_regclass($1) AS there", [`${schema}.version`]);
  const found =
    rows[0]!.there === null
      ? undefined
      : (await pool.query<{ version: number }>(`SELECT version FROM ${schema}.version`)).rows[0]?.version;
  if (found === undefined ? when === "before" : found === bossVersion || (when === "before" && found < bossVersion))
    return;
  throw new AfterwordError(
    "broker_open_failed",
    `The schema "${schema}" of pg-boss has version ${found ?? "unknown"}, and this version of Afterword was written for ${bossVersion}. Install the pg-boss and the Afterword that go together (pg-boss 12.38 has ${bossVersion}), or name another schema.`,
  );
}

// 'retries' does not exist in type
import { task } from "afterword";

task("resize", { retries: 3 }, async (id: string) => id);

// Type 'string' is not assignable to type 'number'.
import { task } from "afterword";

const read = task("read", async (id: string) => id);
export const length: number = await (await read.enqueue("u1")).result();

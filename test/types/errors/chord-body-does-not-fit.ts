// Type 'string' is not assignable to type 'number'.
import { chord, task } from "afterword";

const read = task("read", async (id: string) => id);
const sum = task("sum", async (numbers: number[]) => numbers.length);

chord([read.call("u1"), read.call("u2")], sum.withResult());

// Type 'string' is not assignable to type 'number'.
import { chain, task } from "afterword";

const read = task("read", async (id: string) => id);
const double = task("double", async (n: number) => n * 2);

chain(read.call("u1"), double.withResult());

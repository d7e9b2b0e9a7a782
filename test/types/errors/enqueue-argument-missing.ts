// Expected 2 arguments, but got 1.
import { task } from "afterword";

const resize = task("resize", async (id: string, width: number) => `${id}-${width}.jpg`);

await resize.enqueue("u1");

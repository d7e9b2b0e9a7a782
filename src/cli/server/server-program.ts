import { extname } from "node:path";
import { fileURLToPath } from "node:url";

const source = new URL("./server-process.ts", import.meta.url);

/** What a server process runs: compiled if this file is. */
export const serverProgram: string = fileURLToPath(source).replace(/\.ts$/, extname(import.meta.url));

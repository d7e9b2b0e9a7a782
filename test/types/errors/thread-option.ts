// Type 'boolean' is not assignable to type 'string | URL'.
import { task } from "afterword";

task("resize", { thread: true }, async (id: string) => id);

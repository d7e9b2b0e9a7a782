// is not assignable to
import { group, task } from "afterword";

const read = task("read", async () => "text");

group(read);

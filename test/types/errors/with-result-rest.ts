// Argument of type 'number' is not assignable to parameter of type 'string'.
import { task } from "afterword";

const publish = task("publish", async (file: string, target: string) => `${target}/${file}`);

publish.withResult(5);

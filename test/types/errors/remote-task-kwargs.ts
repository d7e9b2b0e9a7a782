// Type 'string' is not assignable to type 'number'.
import { remoteTask } from "afterword";

const scale = remoteTask<[image: string], string, { width: number }>("proj.scale");

scale.with({ kwargs: { width: "300" } });

import { fileURLToPath } from "node:url";
import { ownModule } from "../../internal/own-files.ts";

/** What a server process runs: compiled if this file is. */
export const serverProgram: string = fileURLToPath(ownModule("cli/server/server-process"));

import { change } from "./change.ts";
import { claim } from "./claim.ts";
import { core } from "./core.ts";
import { embed } from "./embed.ts";
import { enqueue } from "./enqueue.ts";
import { finish } from "./finish.ts";
import { inspect } from "./inspect.ts";
import { parts } from "./parts.ts";
import { schedules } from "./schedules.ts";
import { states } from "./states.ts";
import { upkeep } from "./upkeep.ts";

/** The scripts of BullMQ that ours call, by name. */
export type BullScripts = Readonly<Record<string, string>>;

/** Those of them. */
export const bullScriptNames: readonly string[] = [
  "addDelayedJob-6",
  "addParentJob-6",
  "addPrioritizedJob-9",
  "moveToActive-11",
  "moveToFinished-14",
];

/** Each is made when it is first needed in a call. */
const lazily = /* lua */ `
local bull = setmetatable({}, { __index = function(made, name)
  made[name] = makers[name]()
  return made[name]
end })
`;

const end = /* lua */ `
A.upkeep()
local answer = verbs[ARGV[1]]()
A.settle()
if #changed > 0 then
  -- More than anybody would look through is told as "something has changed".
  local text = #changed <= 500 and table.concat(changed, ",") or ""
  rcall("PUBLISH", S .. "changes", text)
end
return answer
`;

/**
 * One script for all verbs. BullMQ's own scripts become functions in it, word for word: a script cannot call another one, and so
 * what they do and what we add happens in one atomic step.
 */
export function buildScript(bull: BullScripts, bullVersion: string): string {
  const functions = Object.entries(bull).map(([name, lua]) => `makers.${name} = ${embed(lua)}`);
  return [
    "local makers = {}\n",
    `local bullVersion = ${JSON.stringify(bullVersion)}\n`,
    ...functions,
    lazily,
    core,
    states,
    parts,
    upkeep,
    claim,
    enqueue,
    finish,
    inspect,
    change,
    schedules,
    end,
  ].join("\n");
}

// Property 'value' does not exist on type 'Outcome<number>'.
import { BackgroundTasks } from "afterword";

const handle = new BackgroundTasks().addTask(async () => 1);
const outcome = await handle.done;
export const value: number = outcome.value;

// Argument of type 'string' is not assignable to parameter of type 'number'.
import { BackgroundTasks, task } from "afterword";

const resize = task("resize", async (id: string, width: number) => `${id}-${width}.jpg`);

new BackgroundTasks().addTask(resize, "u1", "300");

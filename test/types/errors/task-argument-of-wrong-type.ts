// Argument of type 'string' is not assignable to parameter of type 'number'.
import { BackgroundTasks } from "afterword";

const resize = async (name: string, width: number) => `${name} ${width}`;

new BackgroundTasks().addTask(resize, "photo.png", "300");

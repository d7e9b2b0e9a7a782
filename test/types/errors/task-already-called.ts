// Argument of type 'Promise<string>' is not assignable to parameter of type '() => unknown'.
import { BackgroundTasks } from "afterword";

const resize = async (name: string, width: number) => `${name} ${width}`;

new BackgroundTasks().addTask(resize("photo.png", 300));

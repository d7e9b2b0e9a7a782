// Expected 3 arguments, but got 4.
import { BackgroundTasks } from "afterword";

const resize = async (name: string, width: number) => `${name} ${width}`;

new BackgroundTasks().addTask(resize, "photo.png", 300, 200);

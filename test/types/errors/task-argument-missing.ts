// Expected 3 arguments, but got 2.
import { BackgroundTasks } from "afterword";

const resize = async (name: string, width: number) => `${name} ${width}`;

new BackgroundTasks().addTask(resize, "photo.png");

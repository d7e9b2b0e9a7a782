// Argument of type 'string' is not assignable to parameter of type 'number'.
import { BackgroundTask } from "afterword";

const resize = async (name: string, width: number) => `${name} ${width}`;

new BackgroundTask(resize, "photo.png", "300");

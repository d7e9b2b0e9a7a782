// Type 'BackgroundTasks' is not assignable to type 'Declaration'.
import { App, BackgroundTasks } from "afterword";

new App().get("/", { tasks: new BackgroundTasks() }, ({ tasks }) => tasks.tasks.length);

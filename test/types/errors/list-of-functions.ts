// Type '() => void' is not assignable to type 'BackgroundTask<never[]>'.
import { BackgroundTasks } from "afterword";

const clean = () => {};

new BackgroundTasks([clean]);

// Expected 3 arguments, but got 2.
import { BackgroundTasks } from "afterword";

function write(line: string): void;
function write(level: number, line: string): void;
function write(..._args: unknown[]): void {}

new BackgroundTasks().addTask(write, "only the last overload is seen");

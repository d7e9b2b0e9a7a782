// Type '"never"' is not assignable to type '"always" | "error" | "success"'.
import { BackgroundTasks } from "afterword";

new BackgroundTasks().with({ when: "never" });

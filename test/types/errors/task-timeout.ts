// Type '"five minutes"' is not assignable to type 'Duration'.
import { BackgroundTasks } from "afterword";

new BackgroundTasks().with({ timeout: "five minutes" });

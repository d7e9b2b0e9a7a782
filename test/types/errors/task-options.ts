import { BackgroundTasks } from "afterword";

new BackgroundTasks().with({ when: "never" });

// Type '"task"' is not assignable to type '"function" | "request"'.
import { dependency } from "afterword";

dependency({ scope: "task" }, {}, () => 1);

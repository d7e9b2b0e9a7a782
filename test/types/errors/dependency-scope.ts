import { dependency } from "afterword";

dependency({ scope: "task" }, {}, () => 1);

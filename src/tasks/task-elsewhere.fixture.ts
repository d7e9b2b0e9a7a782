import { task } from "afterword";

task("unit.elsewhere", () => "elsewhere");

import { query } from "afterword";

query("q");

import { query } from "afterword";

query({ maxBytes: 10 });

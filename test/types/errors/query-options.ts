// 'maxBytes' does not exist in type 'NamedParameterOptions'.
import { query } from "afterword";

query({ maxBytes: 10 });

// Type '"q"' has no properties in common with type 'NamedParameterOptions'.
import { query } from "afterword";

query("q");

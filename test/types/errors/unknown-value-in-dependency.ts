import { dependency, query } from "afterword";

dependency({ q: query() }, ({ q, limit }) => [q, limit]);

// Property 'limit' does not exist on type '{ readonly q: string | undefined; }'.
import { dependency, query } from "afterword";

dependency({ q: query() }, ({ q, limit }) => [q, limit]);

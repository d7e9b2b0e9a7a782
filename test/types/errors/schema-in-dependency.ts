// Type 'ZodString' is not assignable to type 'Declaration'.
import { dependency } from "afterword";
import * as z from "zod";

dependency({ q: z.string() }, ({ q }) => q);

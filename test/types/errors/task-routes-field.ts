// Type '"password"' is not assignable to type
import { taskRoutes } from "afterword";

taskRoutes({ fields: ["id", "password"] });

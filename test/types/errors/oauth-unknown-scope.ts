// Argument of type '"items"' is not assignable to parameter of type '"me"'.
import { oauth2Password } from "afterword";

oauth2Password({ tokenUrl: "token", scopes: { me: "You" } }).withScopes("items");

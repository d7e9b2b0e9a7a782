// 'statusCode' does not exist in type 'RouteOptions<undefined>'.
import { App } from "afterword";

new App().post("/items", { statusCode: 201 }, {}, () => ({ created: true }));

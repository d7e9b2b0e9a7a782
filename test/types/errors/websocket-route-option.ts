// 'tags' does not exist in type 'SocketOptions'.
import { App } from "afterword";

new App().websocket("/", { tags: ["x"] }, {}, () => {});

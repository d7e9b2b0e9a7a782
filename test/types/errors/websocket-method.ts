// Property 'sendText' does not exist on type 'WebSocketConnection'.
import { App, WebSocketConnection } from "afterword";

new App().websocket("/", { socket: WebSocketConnection }, ({ socket }) => socket.sendText("x"));

// 'photo' is possibly 'undefined'.
import { App, file } from "afterword";

new App().post("/photo", { photo: file({ optional: true }) }, ({ photo }) => photo.size);

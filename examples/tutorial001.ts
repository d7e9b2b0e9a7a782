// The first app of FastAPI's tutorial page "Background Tasks": answer now, write the log afterwards.
//
//   node --conditions=afterword-source examples/tutorial001.ts
//   curl -X POST http://127.0.0.1:8000/send-notification/foo@example.com
import { writeFile } from "node:fs/promises";
import { App, BackgroundTasks, path } from "afterword";

const app = new App();

async function writeNotification(email: string, message = "") {
  await writeFile("log.txt", `notification for ${email}: ${message}`);
}

app.post("/send-notification/:email", { email: path(), tasks: BackgroundTasks }, ({ email, tasks }) => {
  tasks.addTask(writeNotification, email, "some notification");
  return { message: "Notification sent in the background" };
});

export default app;

if (import.meta.main) {
  const { url } = await app.listen({ port: Number(process.env.PORT ?? 8000) });
  console.log(`Serving on ${url}`);
}

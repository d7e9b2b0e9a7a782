import { withBackgroundTasks } from "afterword/next";
import { sendInvitation } from "../../lib/tasks";

export const POST = withBackgroundTasks(async (request, tasks) => {
  const { email } = await request.json();
  const { id } = tasks.addTask(sendInvitation, email);
  return Response.json({ id, message: "The invitation is on its way" }, { status: 202 });
});

"use server";

import { redirect } from "next/navigation";
import { actionWithBackgroundTasks } from "afterword/next";
import { sendInvitation } from "../lib/tasks";

export const invite = actionWithBackgroundTasks(async (tasks, form: FormData) => {
  tasks.addTask(sendInvitation, String(form.get("email")));
  redirect("/?sent");
});

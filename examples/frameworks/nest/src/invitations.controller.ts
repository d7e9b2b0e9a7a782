import { Body, Controller, HttpCode, Post } from "@nestjs/common";
import type { BackgroundTasks } from "afterword";
import { Tasks } from "afterword/nest";
import { sendInvitation } from "./tasks.js";

@Controller("invitations")
export class InvitationsController {
  @Post()
  @HttpCode(202)
  create(@Body("email") email: string, @Tasks() tasks: BackgroundTasks) {
    const { id } = tasks.addTask(sendInvitation, email);
    return { id, message: "The invitation is on its way" };
  }
}

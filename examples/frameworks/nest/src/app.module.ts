import { Module } from "@nestjs/common";
import { sqlite } from "afterword";
import { BackgroundTasksModule } from "afterword/nest";
import { InvitationsController } from "./invitations.controller.js";
import { Mailer } from "./mailer.js";

@Module({
  imports: [BackgroundTasksModule.forRoot({ broker: sqlite("tasks.db") })],
  controllers: [InvitationsController],
  providers: [Mailer],
})
export class AppModule {}

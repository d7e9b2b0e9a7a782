import type { Task } from "./task.ts";
export interface ScheduleOptions { readonly timezone?: string; readonly missed?: "skip" | "once" | "all" }
export class Schedule { readonly name: string; constructor(name: string, _cron: string, _task: Task<never, unknown>, _args: readonly unknown[], _options: ScheduleOptions) { this.name = name; } }

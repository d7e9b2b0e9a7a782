import type { Broker } from "../tasks/broker.ts";
import type { Schedule } from "../tasks/schedule.ts";
export class Scheduler { constructor(_: { broker: Broker; schedules: readonly Schedule[]; onError: (error: unknown) => void }) {} async start(): Promise<void> {} async close(): Promise<void> {} async add(_: Schedule): Promise<void> {} }

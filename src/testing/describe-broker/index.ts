export { describeBroker } from "./describe-broker.ts";
export type { BrokerSetup, DescribeBrokerOptions, TestRunner, UserTransaction, WorkerProcess } from "./options.ts";
export type { Requirement } from "./requirement.ts";
export { runScriptedWorker } from "./scripted-worker.ts";

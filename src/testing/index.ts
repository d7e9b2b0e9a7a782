/**
 * Tools for testing apps.
 *
 * @packageDocumentation
 */
export { TestSocket, WebSocketRefusedError } from "./test-socket.ts";
export {
  TestClient,
  type TestClientOptions,
  type TestRequestOptions,
  type TestSocketOptions,
  type TestTask,
} from "./test-client.ts";
export {
  describeBroker,
  runScriptedWorker,
  type BrokerSetup,
  type DescribeBrokerOptions,
  type Requirement,
  type TestRunner,
  type UserTransaction,
  type WorkerProcess,
} from "./describe-broker/index.ts";
export { faultyBroker } from "./faulty-broker.ts";
export type { FaultOptions } from "./faults.ts";

/**
 * Tools for testing apps.
 *
 * @packageDocumentation
 */
export { TestClient, type TestClientOptions, type TestRequestOptions, type TestTask } from "./test-client.ts";

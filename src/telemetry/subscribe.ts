import { subscribe, unsubscribe, type ChannelListener } from "node:diagnostics_channel";
import type { RequestMessage, TaskMessage } from "../background/task-channels.ts";
import type { DeliveryMessage, JobMessage, StoreMessage } from "../tasks/job-channels.ts";

/** What each channel tells. */
interface Messages {
  readonly "task:added": TaskMessage;
  readonly "task:started": TaskMessage;
  readonly "task:ended": TaskMessage;
  readonly "request:drained": RequestMessage;
  readonly "job:added": JobMessage;
  readonly "store:started": StoreMessage;
  readonly "store:ended": StoreMessage;
  readonly "job:claimed": DeliveryMessage;
  readonly "job:started": DeliveryMessage;
  readonly "job:ended": DeliveryMessage;
}

/** What is to be called for the messages of some channels. */
export type ChannelListeners = { readonly [K in keyof Messages]?: (message: Messages[K]) => void };

/** Subscribes all. @returns ends it */
export function subscribeAll(listeners: ChannelListeners): () => void {
  const entries = Object.entries(listeners).map(
    ([name, listener]) => [`afterword:${name}`, listener as ChannelListener] as const,
  );
  for (const [name, listener] of entries) subscribe(name, listener);
  return () => {
    for (const [name, listener] of entries) unsubscribe(name, listener);
  };
}

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { DeliveryMessage, JobMessage, RequestMessage, StoreMessage, TaskMessage } from "afterword";

/** What each channel tells. */
export interface Channels {
  readonly "afterword:task:added": TaskMessage;
  readonly "afterword:task:started": TaskMessage;
  readonly "afterword:task:ended": TaskMessage;
  readonly "afterword:request:drained": RequestMessage;
  readonly "afterword:job:added": JobMessage;
  readonly "afterword:store:started": StoreMessage;
  readonly "afterword:store:ended": StoreMessage;
  readonly "afterword:job:claimed": DeliveryMessage;
  readonly "afterword:job:started": DeliveryMessage;
  readonly "afterword:job:ended": DeliveryMessage;
}

export type ChannelName = keyof Channels;

/** Something that was published. */
export type Published = {
  readonly [K in ChannelName]: { readonly name: K; readonly message: Channels[K] };
}[ChannelName];

/** Subscribes to channels until it is disposed of. */
export function watchChannels(
  names: readonly ChannelName[],
  onMessage: (published: Published) => void = () => {},
): Disposable & { readonly published: Published[] } {
  const published: Published[] = [];
  const listeners = names.map((name) => {
    const listener = (message: unknown): void => {
      const entry = { name, message } as Published;
      published.push(entry);
      onMessage(entry);
    };
    subscribe(name, listener);
    return [name, listener] as const;
  });
  return {
    published,
    [Symbol.dispose]() {
      for (const [name, listener] of listeners) unsubscribe(name, listener);
    },
  };
}

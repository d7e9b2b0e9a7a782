let nextTurn: Promise<void> | undefined;

/**
 * Resolves after the event loop has had a turn: timers, sockets and other requests were served. All who wait within one
 * turn share one `setImmediate`.
 */
export function turn(): Promise<void> {
  return (nextTurn ??= new Promise((resolve) => {
    setImmediate(() => {
      nextTurn = undefined;
      resolve();
    });
  }));
}

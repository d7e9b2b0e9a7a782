/** A door that a test opens when it is time: what waits at it goes on then, and not before. */
export interface Gate {
  /** Resolves when the gate is open. */
  readonly opened: Promise<void>;
  open(): void;
}

const shut = new Set<Gate>();

/** A closed gate. Those still shut at the end of the test are opened by {@link openAllGates}, so that nothing hangs. */
export function createGate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>();
  const gate: Gate = {
    opened: promise,
    open() {
      shut.delete(gate);
      resolve();
    },
  };
  shut.add(gate);
  return gate;
}

export function openAllGates(): void {
  for (const gate of [...shut]) gate.open();
}

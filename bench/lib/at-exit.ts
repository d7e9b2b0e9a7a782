const left = new Set<() => void>();
let isGuarded = false;

/**
 * Calls `clean` when this process ends, also by an error or a signal.
 *
 * @returns what to call when that is no longer necessary
 */
export function atExit(clean: () => void): () => void {
  if (!isGuarded) {
    isGuarded = true;
    process.on("exit", () => {
      for (const each of left) each();
    });
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1));
  }
  left.add(clean);
  return () => void left.delete(clean);
}

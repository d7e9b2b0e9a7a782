import { exitCodes } from "../cli-error.ts";

/** SIGTERM and SIGINT, as a supervisor takes them: the first asks to stop, the second ends at once. */
export class StopSignals {
  /** Resolves with the first signal. */
  readonly asked: Promise<void>;
  isAsked = false;

  /** @param killAll - ends what would outlive this process, before the second signal ends it */
  constructor(killAll: () => void) {
    this.asked = new Promise((resolve) => {
      const onSignal = (): void => {
        if (this.isAsked) {
          killAll();
          process.exit(exitCodes.failed);
        }
        this.isAsked = true;
        resolve();
      };
      process.on("SIGTERM", onSignal);
      process.on("SIGINT", onSignal);
    });
  }
}

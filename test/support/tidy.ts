import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import { endChildren } from "./child-app.ts";
import { openAllGates } from "./gate.ts";
import { closeSessions } from "./hosts.ts";
import { closeRawClients } from "./raw-client.ts";
import { createTempDirectory, filesIn, removeTempDirectories } from "./temp-directory.ts";

/**
 * Called once at the top of a test file: after each test everything it opened is closed, and the test fails if it left an
 * unhandled rejection, an uncaught exception, a leak warning, a signal handler or a temporary file.
 */
export function keepTidy(): { readonly tempDirectory: () => string } {
  const unhandled: unknown[] = [];
  const leaks: string[] = [];
  let tempDirectory = "";
  let signalListeners = 0;
  const previousTemp = process.env["TMPDIR"];
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
  const onWarning = (warning: Error): void => {
    if (warning.name === "MaxListenersExceededWarning") leaks.push(String(warning));
  };

  beforeAll(async () => {
    tempDirectory = await createTempDirectory();
    // os.tmpdir() reads it anew at each call, so whatever the library puts there is seen.
    process.env["TMPDIR"] = tempDirectory;
    process.on("unhandledRejection", onUnhandled);
    process.on("warning", onWarning);
  });

  beforeEach(() => {
    signalListeners = countSignalListeners();
  });

  afterEach(async () => {
    openAllGates();
    closeRawClients();
    await closeSessions();
    await endChildren();
    // A rejection is reported in a turn of its own.
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled.splice(0), "unhandled rejections").toEqual([]);
    expect(leaks.splice(0), "leak warnings").toEqual([]);
    expect(countSignalListeners(), "signal handlers").toBe(signalListeners);
    expect(await filesIn(tempDirectory), "temporary files left").toEqual([]);
  });

  afterAll(async () => {
    process.off("unhandledRejection", onUnhandled);
    process.off("warning", onWarning);
    if (previousTemp === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = previousTemp;
    await removeTempDirectories();
  });

  return { tempDirectory: () => tempDirectory };
}

function countSignalListeners(): number {
  return process.listenerCount("SIGTERM") + process.listenerCount("SIGINT");
}

/** Handles SIGINT, SIGTERM and SIGHUP: Ctrl-C, `kill` and a closed terminal. */

/** npm forwards a Ctrl-C that the terminal has already sent to every process, so one request may arrive as two signals. */
const SAME_REQUEST_MS = 1_000;

/**
 * Calls `stop` on the first request to stop, and `kill` on every further one.
 * @param stop - resolves to the exit code.
 */
export function onStopSignals(stop: () => Promise<number>, kill: () => void): void {
  let stoppingSince: number | undefined;
  const request = () => {
    if (stoppingSince !== undefined) {
      if (performance.now() - stoppingSince > SAME_REQUEST_MS) kill();
      return;
    }
    stoppingSince = performance.now();
    stop().then(
      (code) => process.exit(code),
      () => process.exit(1),
    );
  };
  process.on("SIGINT", request);
  process.on("SIGTERM", request);
  process.on("SIGHUP", request);
}

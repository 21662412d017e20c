/** Ctrl-C and `kill`. */

/**
 * Calls `stop` on the first request to stop, and `kill` on every further one.
 * @param stop - resolves to the exit code.
 */
export function onStopSignals(stop: () => Promise<number>, kill: () => void): void {
  let stopping = false;
  const request = () => {
    if (stopping) return kill();
    stopping = true;
    stop().then(
      (code) => process.exit(code),
      () => process.exit(1),
    );
  };
  process.on("SIGINT", request);
  process.on("SIGTERM", request);
}

// Loaded into every child with --import. When the parent is killed without stopping its children, they must not keep holding
// their ports, or the lock on their schema, while the next instance waits for them.
const FORCED_AFTER_MS = 15_000;

// without the parent nobody reads the output; the resulting EPIPE must not end a clean stop
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

process.once("disconnect", () => {
  process.kill(process.pid, "SIGTERM");
  setTimeout(() => process.exit(1), FORCED_AFTER_MS).unref();
});
// the open channel must not keep a finished process alive
process.channel?.unref();

// Loaded into every child with --import. The parent may be killed without a chance to stop it; then it must not go on
// holding its port, or the lock on its schema, while the next one waits for them.
const FORCED_AFTER_MS = 15_000;

// nobody reads what is printed after that, which must not end a clean stop
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

process.once("disconnect", () => {
  process.kill(process.pid, "SIGTERM");
  setTimeout(() => process.exit(1), FORCED_AFTER_MS).unref();
});
// listening must not keep a process alive that is otherwise done
process.channel?.unref();

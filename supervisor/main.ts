/** `npm start`: the whole system against the configured networks. */
import { readEnvironment } from "../config/environment.ts";
import { createLog } from "../config/log.ts";
import { redactUrls } from "../config/redact.ts";
import { onStopSignals } from "./stopSignals.ts";
import { type System, startSystem } from "./supervise.ts";

async function main(): Promise<void> {
  const environment = readEnvironment(process.env);
  const log = createLog(environment, "supervisor");
  let starting: Promise<System> | undefined;
  let system: System | undefined;
  onStopSignals(
    async () => {
      log.info("stopping; press Ctrl-C again to kill");
      await (await starting)?.stop();
      log.info("stopped");
      return 0;
    },
    () => system?.kill(),
  );
  starting = startSystem(environment, process.env, log);
  system = await starting;
}

main().catch((error: Error) => {
  process.stderr.write(`${redactUrls(error.message)}\n`);
  process.exit(1);
});

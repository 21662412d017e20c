/** Ends what a connection's backend is doing. Postgres does not look whether anybody still waits for a statement. */
import net from "node:net";
import type pg from "pg";

/** The protocol's number of a CancelRequest. */
const CANCEL_REQUEST = 80_877_102;
const MAX_WAIT_MS = 2_000;

interface Backend {
  readonly host: string;
  readonly port: number;
  readonly processId: number;
  readonly secretKey: number;
}

/** pg keeps these on every connected client, but its types do not say so. */
function backendOf(client: pg.ClientBase): Backend | null {
  const [host, port, processId, secretKey]: unknown[] = ["host", "port", "processID", "secretKey"].map(
    (name) => Reflect.get(client, name),
  );
  return typeof host === "string" &&
    typeof port === "number" &&
    typeof processId === "number" &&
    typeof secretKey === "number"
    ? { host, port, processId, secretKey }
    : null;
}

/**
 * Sends a CancelRequest on a connection of its own, which takes no place in a pool, and resolves when the server has
 * dealt with it. Best effort: a statement that goes on runs into its time limit.
 * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS
 */
export function cancelStatement(client: pg.ClientBase): Promise<void> {
  const backend = backendOf(client);
  if (backend === null) return Promise.resolve();
  const { host, port, processId, secretKey } = backend;
  const message = Buffer.alloc(16);
  message.writeInt32BE(message.length, 0);
  message.writeInt32BE(CANCEL_REQUEST, 4);
  message.writeInt32BE(processId, 8);
  message.writeInt32BE(secretKey, 12);
  return new Promise((resolve) => {
    const socket = host.startsWith("/") ? net.connect(`${host}/.s.PGSQL.${port}`) : net.connect(port, host);
    socket.setTimeout(MAX_WAIT_MS, () => socket.destroy());
    socket.on("error", () => {}); // "close" follows
    socket.once("close", () => resolve());
    socket.resume();
    socket.end(message);
  });
}

/** Binds a server to a port. */
import type { Server } from "node:http";

export const LOOPBACK = "127.0.0.1";

/** @returns the bound port, which the system chooses when `port` is 0. */
export async function listen(server: Server, port: number, host = LOOPBACK): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const address = server.address();
  if (address === null || typeof address === "string")
    throw new Error("the server is not bound to a TCP port");
  return address.port;
}

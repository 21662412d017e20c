/** Starts and closes the devnet's HTTP servers, which only this machine can reach. */
import type { Server } from "node:http";

/** Thrown when a port cannot be bound. */
export class PortError extends Error {
  readonly code = "port";
}

/** Listens on 127.0.0.1. @param port - 0 takes a free one. @returns the URL. @throws {PortError} */
export function listen(server: Server, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      reject(
        new PortError(`port ${port} on 127.0.0.1 cannot be bound (${cause.message}); give another one`, {
          cause,
        }),
      );
    });
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      resolve(`http://127.0.0.1:${typeof address === "object" && address ? address.port : port}`);
    });
  });
}

/** Closes a server at once, open connections included. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

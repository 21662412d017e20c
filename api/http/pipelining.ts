/**
 * Handles pipelined requests, which a client sends without waiting for responses, one at a time per connection. HTTP requires
 * responses in the order of the requests anyway. A connection thus occupies no more of the process than any other, however much
 * it pipelines.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** Requests that may wait on one connection. Clients that pipeline at all send some tens. */
export const MAX_PIPELINED = 100;

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

/** @returns a listener for all requests, which calls `listener` with one request of each connection at a time. */
export function serializePipelined(listener: Listener): Listener {
  /** By connection, the requests that wait for the response before theirs. */
  const waiting = new WeakMap<Duplex, (() => void)[]>();
  return (request, response) => {
    const { socket } = request;
    if (socket.destroyed) return;
    const start = () => {
      response.once("close", () => {
        const next = waiting.get(socket)?.shift();
        if (next === undefined) waiting.delete(socket);
        // Yields to other connections, because a response may be made without any waiting.
        else setImmediate(() => !socket.destroyed && next());
      });
      listener(request, response);
    };
    const queue = waiting.get(socket);
    if (queue === undefined) {
      waiting.set(socket, []);
      start();
    } else if (queue.length < MAX_PIPELINED) queue.push(start);
    else socket.destroy();
  };
}

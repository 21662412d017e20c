/**
 * Requests that a client sends without waiting for answers (pipelining): HTTP answers them in order anyway, so each is begun
 * when the one before is answered. So a connection holds one answer, and gets no more of the process than any other one.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** Of one connection. Clients that pipeline at all send some tens. */
export const MAX_PIPELINED = 100;

type Listen = (request: IncomingMessage, response: ServerResponse) => void;

/** @returns what to call for every request; it calls `listener` for each of a connection in its turn. */
export function inTurn(listener: Listen): Listen {
  /** By connection, those that wait for the answer before theirs. */
  const waiting = new WeakMap<Duplex, (() => void)[]>();
  return (request, response) => {
    const { socket } = request;
    if (socket.destroyed) return;
    const begin = () => {
      response.once("close", () => {
        const next = waiting.get(socket)?.shift();
        if (next === undefined) waiting.delete(socket);
        // Other connections come first: an answer may take no time at all.
        else setImmediate(() => !socket.destroyed && next());
      });
      listener(request, response);
    };
    const queue = waiting.get(socket);
    if (queue === undefined) {
      waiting.set(socket, []);
      begin();
    } else if (queue.length < MAX_PIPELINED) queue.push(begin);
    else socket.destroy();
  };
}

/** What a client pays for after its request was counted: events and replays of a stream cost what they read. */

/**
 * Takes from the client's budget, all or nothing.
 * @returns milliseconds until the budget suffices; 0 when the cost was taken.
 */
export type Charge = (cost: number) => number;

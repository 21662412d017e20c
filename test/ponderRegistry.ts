/** Replaces `ponder:registry`, so that tests can call the handlers that a module registers. */
type Handler = (given: { readonly event: unknown; readonly context: unknown }) => Promise<void>;

/** By name: `TEERegistry:TEERegistered`. */
export const handlers = new Map<string, Handler>();

export const ponder = { on: (name: string, handler: Handler) => handlers.set(name, handler) };

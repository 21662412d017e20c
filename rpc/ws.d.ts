/** The little of "ws" that is used: it brings no types of its own. */
declare module "ws" {
  interface ClientOptions {
    readonly handshakeTimeout?: number;
    readonly maxPayload?: number;
    readonly followRedirects?: boolean;
  }

  export class WebSocket {
    constructor(url: string, options?: ClientOptions);
    on(event: "open", listener: () => void): this;
    on(event: "message", listener: (data: Buffer) => void): this;
    on(event: "error", listener: (error: Error) => void): this;
    on(event: "close", listener: (code: number) => void): this;
    send(text: string): void;
    terminate(): void;
  }

  export class WebSocketServer {
    constructor(options: { readonly port: number; readonly host: string });
    on(event: "connection", listener: (socket: WebSocket) => void): this;
    once(event: "listening", listener: (value?: unknown) => void): this;
    address(): unknown;
    close(): void;
  }
}

/** An aggregator on the loopback interface; tests set its behaviour per blob. */
import { createHash } from "node:crypto";
import http from "node:http";
import type { AddressInfo } from "node:net";

export type Behaviour = Uint8Array | { readonly status: number } | "mute";

export class BlobServer {
  readonly blobs = new Map<string, Behaviour>();
  /** Requested ids, in order, as written in the path. */
  readonly asked: string[] = [];

  private constructor(
    private readonly server: http.Server,
    readonly url: string,
  ) {}

  static async start(): Promise<BlobServer> {
    const server = http.createServer((request, response) => {
      const id = (request.url ?? "").slice("/v1/blobs/".length);
      blobServer.asked.push(id);
      const behaviour = blobServer.blobs.get(id) ?? { status: 404 };
      if (behaviour === "mute") return;
      if ("status" in behaviour) response.writeHead(behaviour.status).end();
      else response.end(behaviour);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo; // it listens on TCP
    const blobServer: BlobServer = new BlobServer(server, `http://127.0.0.1:${port}`);
    return blobServer;
  }

  /** @returns the blob's id. */
  put(content: Uint8Array | string): string {
    const bytes = Buffer.from(content);
    const id = blobIdOf(bytes);
    this.blobs.set(id, bytes);
    return id;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** 43 base64url characters. Walrus itself derives ids by another hash. */
export const blobIdOf = (content: Uint8Array | string): string =>
  createHash("sha256").update(content).digest("base64url");

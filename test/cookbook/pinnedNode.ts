/** A server with a self-signed certificate like a node's, for examples that connect to one. */
import { createPrivateKey } from "node:crypto";
import type { AddressInfo } from "node:net";
import { createServer } from "node:tls";
import { selfSignedCertificate } from "../../devnet/certificate.ts";
import { SeededRandom } from "../../devnet/random.ts";

const PKCS8_ED25519 = Buffer.from("302e020100300506032b657004220420", "hex");

export interface PinnedNode {
  readonly endpoint: string;
  /** DER, as registered. */
  readonly tlsCertificate: string;
  readonly close: () => void;
}

export async function startPinnedNode(): Promise<PinnedNode> {
  const tlsCertificate = selfSignedCertificate(
    new SeededRandom("pinned"),
    "node.example",
    Math.floor(Date.now() / 1_000) - 3_600,
  );
  // The certificate's key is the first that its randomness gives.
  const key = createPrivateKey({
    key: Buffer.concat([PKCS8_ED25519, new SeededRandom("pinned").bytes(32)]),
    format: "der",
    type: "pkcs8",
  });
  const der = Buffer.from(tlsCertificate.slice(2), "hex").toString("base64");
  const server = createServer({
    key: key.export({ type: "pkcs8", format: "pem" }),
    cert: `-----BEGIN CERTIFICATE-----\n${der}\n-----END CERTIFICATE-----\n`,
  });
  server.on("secureConnection", (socket) => {
    socket.on("error", () => {});
    socket.end();
  });
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return { endpoint: `https://127.0.0.1:${port}`, tlsCertificate, close: () => server.close() };
}

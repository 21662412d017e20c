/** Self-signed X.509 certificates in DER, as nodes register them: Ed25519, so the signature repeats. */
import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import type { Hex } from "viem";
import type { SeededRandom } from "./random.ts";

const PKCS8_ED25519 = Buffer.from("302e020100300506032b657004220420", "hex");
const ED25519_ALGORITHM = Buffer.from("300506032b6570", "hex");
const COMMON_NAME = Buffer.from("0603550403", "hex");
const SUBJECT_ALT_NAME = Buffer.from("0603551d11", "hex");

/**
 * A certificate for `host` that names itself as its issuer.
 * @param notBefore - unix seconds; valid for a year.
 */
export function selfSignedCertificate(random: SeededRandom, host: string, notBefore: number): Hex {
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_ED25519, random.bytes(32)]),
    format: "der",
    type: "pkcs8",
  });
  const publicKey = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  const name = tag(0x30, tag(0x31, tag(0x30, COMMON_NAME, tag(0x0c, Buffer.from(host)))));
  const altName = tag(0x30, tag(0x82, Buffer.from(host)));
  const body = tag(
    0x30,
    tag(0xa0, tag(0x02, Buffer.from([2]))),
    tag(0x02, Buffer.concat([Buffer.from([0x40]), random.bytes(15)])),
    ED25519_ALGORITHM,
    name,
    tag(0x30, generalizedTime(notBefore), generalizedTime(notBefore + 365 * 86_400)),
    name,
    publicKey,
    tag(0xa3, tag(0x30, tag(0x30, SUBJECT_ALT_NAME, tag(0x04, altName)))),
  );
  const signature = sign(null, body, privateKey);
  const certificate = tag(0x30, body, ED25519_ALGORITHM, tag(0x03, Buffer.from([0]), signature));
  return `0x${certificate.toString("hex")}`;
}

/** One DER element around its parts. */
function tag(type: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const length =
    content.length < 0x80
      ? [content.length]
      : content.length < 0x100
        ? [0x81, content.length]
        : [0x82, content.length >> 8, content.length & 0xff];
  return Buffer.concat([Buffer.from([type, ...length]), content]);
}

const generalizedTime = (seconds: number) =>
  tag(0x18, Buffer.from(`${new Date(seconds * 1000).toISOString().replace(/[-:T]|\.\d+/g, "")}`));

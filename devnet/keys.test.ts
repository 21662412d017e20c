import { constants, createPublicKey, verify, X509Certificate } from "node:crypto";
import { hexToBytes, keccak256 } from "viem";
import { expect, it } from "vitest";
import { selfSignedCertificate } from "./certificate.ts";
import { heartbeatMessage, signPss } from "./pss.ts";
import { SeededRandom } from "./random.ts";
import { generateRsaJwk, signingKey } from "./rsaKeys.ts";

const draw = () => new SeededRandom("keys test");

it("the same seed gives the same RSA-2048 key, another seed another", () => {
  const key = signingKey(generateRsaJwk(draw()));
  expect(signingKey(generateRsaJwk(draw())).publicKeyDer).toBe(key.publicKeyDer);
  expect(generateRsaJwk(draw().fork("other"))).not.toBe(generateRsaJwk(draw()));
  expect(key.privateKey.asymmetricKeyDetails).toEqual({ modulusLength: 2048, publicExponent: 65537n });
  expect(key.teeId).toBe(keccak256(key.publicKeyDer));
});

it("OpenSSL verifies the signatures, which repeat", () => {
  const key = signingKey(generateRsaJwk(draw()));
  const message = heartbeatMessage(key.teeId, 1_800_000_000);
  const signature = signPss(key, message);
  const options = {
    key: createPublicKey(key.privateKey),
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: 32,
  };
  expect(verify("sha256", hexToBytes(message), options, hexToBytes(signature))).toBe(true);
  expect(signPss(key, message)).toBe(signature);
});

it("certificates are self-signed for their host", () => {
  const der = selfSignedCertificate(draw(), "tee-01.example.net", 1_800_000_000);
  const certificate = new X509Certificate(hexToBytes(der));
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.checkHost("tee-01.example.net")).toBe("tee-01.example.net");
  expect(new Date(certificate.validFrom).getTime()).toBe(1_800_000_000_000);
});

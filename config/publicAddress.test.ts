import { expect, test } from "vitest";
import { isPrivateAddress, isPublicAddress } from "./publicAddress.ts";

test("public and special addresses are told apart", () => {
  const no =
    "0.0.0.0 10.1.2.3 100.64.0.1 127.9.9.9 169.254.1.1 172.31.0.1 192.168.0.1 198.18.0.1 224.0.0.1 255.255.255.255 " +
    ":: ::1 fe80::1 fc00::1 ff02::1 ::ffff:8.8.8.8 64:ff9b::808:808 2001:db8::1 2002:7f00:1::1 name";
  const yes = "1.1.1.1 8.8.8.8 172.32.0.1 100.128.0.1 2606:4700:4700::1111 2a00:1450:4001::1";
  expect(no.split(" ").filter(isPublicAddress)).toEqual([]);
  expect(yes.split(" ").filter((address) => !isPublicAddress(address))).toEqual([]);
});

test("private addresses are those that hosts of one's own network have", () => {
  const no =
    "0.0.0.0 224.0.0.1 192.0.2.1 8.8.8.8 168.63.129.16 :: ff02::1 ::ffff:127.0.0.1 2606:4700:4700::1111 name";
  const yes = "10.1.2.3 100.64.0.1 127.9.9.9 169.254.1.1 172.31.0.1 192.168.0.1 ::1 fe80::1 fc00::1";
  expect(no.split(" ").filter(isPrivateAddress)).toEqual([]);
  expect(yes.split(" ").filter((address) => !isPrivateAddress(address))).toEqual([]);
});

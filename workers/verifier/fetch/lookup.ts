/** Name resolution that answers with permitted addresses only; the connection goes to what it answers, never to a second look-up. */
import { type LookupAddress, lookup as resolve } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { isPublicAddress } from "../../../config/publicAddress.ts";

/** Thrown when a name stands for an address that must not be connected to; asking again will not help soon. */
export class PrivateAddressError extends Error {
  readonly code = "private-address";
  override readonly name = "PrivateAddressError";

  constructor(host: string, address: string) {
    super(`${host} is ${address}, which is not a public address; set WALRUS_ALLOW_PRIVATE=true to allow it`);
  }
}

export type Resolve = (
  host: string,
  answer: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

const resolveAll: Resolve = (host, answer) => resolve(host, { all: true }, answer);

/**
 * A `lookup` for sockets. One forbidden address among several refuses the name: an honest aggregator has none.
 * @param resolveHost - the system's resolver unless a test says otherwise.
 */
export function publicLookup(resolveHost: Resolve = resolveAll): LookupFunction {
  return (host, options, answer) => {
    resolveHost(host, (error, addresses) => {
      const forbidden = addresses?.find(({ address }) => !isPublicAddress(address));
      const [first] = addresses ?? [];
      if (error !== null || first === undefined)
        return answer(error ?? new Error(`${host} has no address`), "", 0);
      if (forbidden !== undefined) return answer(new PrivateAddressError(host, forbidden.address), "", 0);
      if (options.all === true) return answer(null, addresses);
      answer(null, first.address, first.family);
    });
  };
}

/**
 * Checks a host that is an address already: sockets look up names only.
 * @throws {PrivateAddressError}
 */
export function refusePrivateLiteral(hostname: string): void {
  const address = hostname.replace(/^\[|\]$/g, "");
  if (isIP(address) !== 0 && !isPublicAddress(address)) throw new PrivateAddressError(hostname, address);
}

/** Name resolution that returns permitted addresses only. The connection uses its result, so a second look-up cannot differ. */
import { type LookupAddress, lookup as resolve } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { isPublicAddress } from "../../../config/publicAddress.ts";

/** Thrown when a host resolves to an address that must not be connected to; retrying soon will not help. */
export class PrivateAddressError extends Error {
  readonly code = "private-address";
  override readonly name = "PrivateAddressError";

  constructor(host: string, address: string) {
    super(
      `WALRUS_AGGREGATOR_URLS: ${host === address ? host : `${host} resolves to ${address}, which`} is not a public address; set WALRUS_ALLOW_PRIVATE=true to allow it`,
    );
  }
}

export type Resolve = (
  host: string,
  answer: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

const resolveAll: Resolve = (host, answer) => resolve(host, { all: true }, answer);

/**
 * Makes a `lookup` for sockets. A single forbidden address refuses the name: an honest aggregator has none.
 * @param resolveHost - the system's resolver; tests pass their own.
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
 * Checks a host that is an IP address: sockets do not look those up.
 * @throws {PrivateAddressError}
 */
export function refusePrivateLiteral(hostname: string): void {
  const address = hostname.replace(/^\[|\]$/g, "");
  if (isIP(address) !== 0 && !isPublicAddress(address)) throw new PrivateAddressError(address, address);
}

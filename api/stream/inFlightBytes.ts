/**
 * Bounds the memory held for responses that their clients read slowly or not at all, per client and in total. Over a bound, the
 * response whose client has gone longest without reading is evicted first.
 */

/** A response that is sent piece by piece. */
interface Owner {
  /** The client it counts towards; absent for clients that are not counted. */
  readonly client?: string | undefined;
}

export interface InFlightLimits {
  readonly bytes: number;
  /** Over all responses to one client. */
  readonly bytesPerClient: number;
}

export class InFlightBytes<O extends Owner> {
  readonly #limits: InFlightLimits;
  /** By owner, least recently active first. */
  readonly #byOwner = new Map<O, number>();
  readonly #byClient = new Map<string, number>();
  #bytes = 0;

  constructor(limits: InFlightLimits) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Records that an owner's client has read everything sent so far, and how many bytes are in flight for it now.
   * @returns the owners to evict, which are released already; never `owner` itself.
   */
  set(owner: O, bytes: number): readonly O[] {
    this.release(owner);
    if (bytes === 0) return [];
    this.#byOwner.set(owner, bytes);
    this.#add(owner, bytes);
    const evicted: O[] = [];
    for (const other of this.#byOwner.keys()) {
      const isOverTotal = this.#bytes > this.#limits.bytes;
      if (!isOverTotal && !this.#isClientOver(owner.client)) break;
      if (other === owner || (!isOverTotal && other.client !== owner.client)) continue;
      this.release(other);
      evicted.push(other);
    }
    return evicted;
  }

  /** Nothing is in flight for the owner any more. */
  release(owner: O): void {
    const bytes = this.#byOwner.get(owner);
    if (bytes === undefined) return;
    this.#byOwner.delete(owner);
    this.#add(owner, -bytes);
  }

  #isClientOver(client: string | undefined): boolean {
    return client !== undefined && (this.#byClient.get(client) ?? 0) > this.#limits.bytesPerClient;
  }

  #add({ client }: O, bytes: number): void {
    this.#bytes += bytes;
    if (client === undefined) return;
    const ofClient = (this.#byClient.get(client) ?? 0) + bytes;
    if (ofClient === 0) this.#byClient.delete(client);
    else this.#byClient.set(client, ofClient);
  }
}

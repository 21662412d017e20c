/**
 * Counts what this process keeps in memory for clients that take what they are sent slowly or not at all, and bounds it for each
 * client and over all of them: whoever has taken nothing for longest is cut off first.
 */

/** Somebody who is sent something piece by piece. */
interface Holder {
  readonly client?: string | undefined;
}

export interface UndeliveredLimits {
  readonly bytes: number;
  /** Of one client, over all of its answers. */
  readonly bytesPerClient: number;
}

export class Undelivered<H extends Holder> {
  readonly #limits: UndeliveredLimits;
  /** By holder; who took something last is last. */
  readonly #held = new Map<H, number>();
  readonly #byClient = new Map<string, number>();
  #bytes = 0;

  constructor(limits: UndeliveredLimits) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * A holder has taken what it was sent before, and so much is kept for it now.
   * @returns those to cut off, never the holder itself: they are released.
   */
  hold(holder: H, bytes: number): readonly H[] {
    this.release(holder);
    if (bytes === 0) return [];
    this.#held.set(holder, bytes);
    this.#add(holder, bytes);
    const cut: H[] = [];
    for (const other of this.#held.keys()) {
      const isOverall = this.#bytes > this.#limits.bytes;
      if (!isOverall && !this.#isClientOver(holder.client)) break;
      if (other === holder || (!isOverall && other.client !== holder.client)) continue;
      this.release(other);
      cut.push(other);
    }
    return cut;
  }

  /** Nothing is kept for it any more. */
  release(holder: H): void {
    const bytes = this.#held.get(holder);
    if (bytes === undefined) return;
    this.#held.delete(holder);
    this.#add(holder, -bytes);
  }

  #isClientOver(client: string | undefined): boolean {
    return client !== undefined && (this.#byClient.get(client) ?? 0) > this.#limits.bytesPerClient;
  }

  #add({ client }: H, bytes: number): void {
    this.#bytes += bytes;
    if (client === undefined) return;
    const ofClient = (this.#byClient.get(client) ?? 0) + bytes;
    if (ofClient === 0) this.#byClient.delete(client);
    else this.#byClient.set(client, ofClient);
  }
}

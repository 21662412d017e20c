/** Counts what `JSON.parse` would build, on the bytes, before it is built. */

export interface JsonBounds {
  /** Objects and arrays inside one another. */
  readonly depth: number;
  /** Objects and arrays. */
  readonly containers: number;
  /** Commas between members and elements. */
  readonly commas: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

/**
 * The name of the first bound that a JSON text exceeds, or null. Linear, without allocations. For text that is not JSON the
 * result is meaningless; the parser will refuse it.
 */
export function exceededBound(json: Uint8Array, bounds: JsonBounds): keyof JsonBounds | null {
  let depth = 0;
  let containers = 0;
  let commas = 0;
  for (let i = 0; i < json.length; i++) {
    switch (json[i]) {
      case QUOTE:
        for (i++; i < json.length && json[i] !== QUOTE; i++) if (json[i] === BACKSLASH) i++;
        break;
      case COMMA:
        if (++commas > bounds.commas) return "commas";
        break;
      case 0x5b: // [
      case 0x7b: // {
        if (++depth > bounds.depth) return "depth";
        if (++containers > bounds.containers) return "containers";
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth--;
        break;
    }
  }
  return null;
}

/** Splits events into chunks that are sent in one go. */

/** The size of a chunk, give or take an event: what is in memory for one subscriber while it is sent. */
const MAX_CHUNK_BYTES = 16_384;

/** How many of the first events make up a chunk; at least one, however large it is. */
export function chunkLength(events: readonly { readonly json: string }[]): number {
  let bytes = 0;
  const tooMany = events.findIndex(({ json }) => {
    bytes += json.length;
    return bytes > MAX_CHUNK_BYTES;
  });
  return tooMany < 0 ? events.length : Math.max(1, tooMany);
}

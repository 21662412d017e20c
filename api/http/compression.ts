/** Compression of what is worth it: text, unless it is a stream of events. */
import { compress } from "hono/compress";
import { COMPRESSIBLE_CONTENT_TYPE_REGEX } from "hono/utils/compress";

/** Below this the answer fits into one packet anyway. */
const THRESHOLD_BYTES = 1_024;

/** `text/event-stream` is not among hono's: compression would hold events back. */
const isCompressible = (contentType: string): boolean =>
  contentType.startsWith("application/x-ndjson") || COMPRESSIBLE_CONTENT_TYPE_REGEX.test(contentType);

export const compression = () => compress({ threshold: THRESHOLD_BYTES, contentTypeFilter: isCompressible });

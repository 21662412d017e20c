/** Reads a receipt from a file or standard input, as untrusted input: bounded and strict, with clear messages. */
import { createReadStream } from "node:fs";

/** A receipt has about 5 KB; a signature of the wrong size is refused by the check, not here. */
export const MAX_RECEIPT_BYTES = 1024 * 1024;

export type ReceiptFile =
  | { readonly document: unknown }
  | { readonly problem: "unreadable" | "too-large" | "not-json"; readonly detail: string };

/** @param path - "-" is standard input. */
export async function readReceiptFile(path: string): Promise<ReceiptFile> {
  const name = path === "-" ? "standard input" : path;
  let bytes: Buffer | null;
  try {
    bytes = await readBounded(path === "-" ? process.stdin : createReadStream(path));
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    return { problem: "unreadable", detail: `${name} cannot be read: ${cause}` };
  }
  if (bytes === null)
    return {
      problem: "too-large",
      detail: `${name} has more than the ${MAX_RECEIPT_BYTES} bytes that a receipt can have`,
    };
  try {
    return { document: JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) };
  } catch {
    return { problem: "not-json", detail: `the ${bytes.length} bytes of ${name} are not JSON in UTF-8` };
  }
}

/** Reads the stream; null when it is longer than a receipt can be, leaving the rest unread. */
async function readBounded(stream: AsyncIterable<Buffer>): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > MAX_RECEIPT_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

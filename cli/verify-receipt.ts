#!/usr/bin/env tsx
/** `npx verify-receipt receipt.json`: checks the receipt of an inference, on any machine. */
import { verifyReceipt } from "./verifyReceipt.ts";

const { exitCode, stdout, stderr } = await verifyReceipt(process.argv.slice(2));
process.stdout.write(stdout);
process.stderr.write(stderr);
process.exitCode = exitCode;
// More may come on a standard input that nobody reads to its end.
process.stdin.destroy();

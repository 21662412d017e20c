#!/usr/bin/env tsx
/** `npx find-inference request.json response.json`: whether an inference was recorded, and where. */
import { findInferenceCommand } from "./findInference.ts";

const { exitCode, stdout, stderr } = await findInferenceCommand(process.argv.slice(2));
process.stdout.write(stdout);
process.stderr.write(stderr);
process.exitCode = exitCode;

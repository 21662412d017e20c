/**
 * `og` and `base` register handlers per chain. One code base serves two deployments, and Ponder rejects handlers of
 * contracts that a deployment leaves out: the absent chain's registrar does nothing.
 */
import { ponder } from "ponder:registry";
import { countAnomaly, type LogEvent } from "./counters.ts";

type Register = typeof ponder.on;

type Types = { readonly args?: { readonly teeType?: number; readonly typeId?: number } };

/** Ponder decodes a whole word as a uint8, and its columns end at 2^31: a larger one would stop indexing for good. */
const holdsUint8 = ({ args }: Types): boolean => (args?.teeType ?? args?.typeId ?? 0) < 256;

const indexed = process.env.OPENGRADIENT_CHAIN;
const ignore: Register = () => {};
const register: Register = (name, handler) =>
  ponder.on(name, ({ event, context }) => {
    if (holdsUint8(event as Types)) return handler({ event, context }); // any event has these arguments, or none of them
    return countAnomaly(context, event as LogEvent, "number-out-of-range"); // events with arguments come from logs
  });

export const og: Register = indexed === "base" ? ignore : register;
export const base: Register = indexed === "og" ? ignore : register;

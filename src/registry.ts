/**
 * `og` and `base` register handlers per chain. One code base serves two deployments, and Ponder rejects handlers of
 * contracts that a deployment leaves out: the absent chain's registrar does nothing.
 */
import { ponder } from "ponder:registry";

type Register = typeof ponder.on;

const indexed = process.env.OPENGRADIENT_CHAIN;
const ignore: Register = () => {};
const register: Register = (name, handler) => ponder.on(name, handler);

export const og: Register = indexed === "base" ? ignore : register;
export const base: Register = indexed === "og" ? ignore : register;

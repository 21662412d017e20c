// The project's own sources, so that both runs share Ponder's cache of RPC answers.
export { default } from "../../../ponder.config.ts";

/** Documents are parsed and validated once, as long as they are remembered. */
import type { DocumentNode } from "graphql";
import type { Plugin } from "graphql-yoga";
import type { TextCache } from "./textCache.ts";

/**
 * Keeps what proved valid, by its text. What did not is not worth keeping, and dear: until its stack is looked at an error
 * holds on to all that was at hand when it was made, its request and the connection too.
 */
export function keepValidDocuments(documents: TextCache<DocumentNode>): Plugin {
  const valid = new WeakSet<DocumentNode>();
  return {
    onParse({ params: { source }, setParsedDocument }) {
      const known = documents.get(typeof source === "string" ? source : source.body);
      if (known !== undefined) setParsedDocument(known);
    },
    onValidate({ params: { documentAST }, setResult }) {
      if (valid.has(documentAST)) return setResult([]);
      return ({ valid: passed }) => {
        if (!passed) return;
        valid.add(documentAST);
        const text = documentAST.loc?.source.body;
        if (text !== undefined) documents.set(text, documentAST);
      };
    },
  };
}

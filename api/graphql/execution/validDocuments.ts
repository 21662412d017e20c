/** Parses and validates each document once, as long as it stays in the cache. */
import {
  type DocumentNode,
  getOperationAST,
  OverlappingFieldsCanBeMergedRule,
  specifiedRules,
  type ValidationRule,
  validate,
} from "graphql";
import type { Plugin, YogaInitialContext } from "graphql-yoga";
import { unknownOperation } from "./answer.ts";
import { refuseExpanded, refuseManyDefinitions } from "./limits/expandedSelections.ts";
import type { TextCache } from "./textCache.ts";

/** Reports at most this many errors of a document. */
const OPTIONS = { maxErrors: 20 };
/** The rule that compares selections in pairs runs last, on documents whose selections are known to be few enough. */
const RULES: readonly ValidationRule[] = specifiedRules.filter(
  (rule) => rule !== OverlappingFieldsCanBeMergedRule,
);

const validateBounded: typeof validate = (schema, document) => {
  const errors = validate(schema, document, RULES, OPTIONS);
  if (errors.length > 0) return errors;
  refuseExpanded(document);
  return validate(schema, document, [OverlappingFieldsCanBeMergedRule], OPTIONS);
};

/**
 * Keeps valid documents by their text. Invalid ones are not kept: until its stack is read, an error retains everything in
 * scope when it was created, the request and its connection too.
 */
export function keepValidDocuments(documents: TextCache<DocumentNode>): Plugin<YogaInitialContext> {
  const valid = new WeakSet<DocumentNode>();
  return {
    onParse({ params: { source }, setParsedDocument }) {
      const known = documents.get(typeof source === "string" ? source : source.body);
      if (known !== undefined) setParsedDocument(known);
      return ({ result, context: { params } }) => {
        if (result === null || result instanceof Error) return;
        refuseManyDefinitions(result);
        const name = params?.operationName;
        if (getOperationAST(result, name) == null) throw unknownOperation(result, name);
      };
    },
    onValidate({ params: { documentAST }, setResult, setValidationFn }) {
      if (valid.has(documentAST)) return setResult([]);
      setValidationFn(validateBounded);
      return ({ valid: passed }) => {
        if (!passed) return;
        valid.add(documentAST);
        const text = documentAST.loc?.source.body;
        if (text !== undefined) documents.set(text, documentAST);
      };
    },
  };
}

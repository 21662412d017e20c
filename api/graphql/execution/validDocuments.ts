/** Documents are parsed and validated once, as long as they are remembered. */
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

/** A document with many mistakes is told of the first. */
const OPTIONS = { maxErrors: 20 };
/** The rule that compares selections with each other is for documents that are known to be few enough. */
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
 * Keeps what proved valid, by its text. What did not is not worth keeping, and dear: until its stack is looked at an error
 * holds on to all that was at hand when it was made, its request and the connection too.
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

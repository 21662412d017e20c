/** Whether a request asks for a field anywhere below another, so that what is expensive is read only then. */
import { type GraphQLResolveInfo, Kind, type SelectionSetNode } from "graphql";

/** Ignores directives and types: reading a little too much does no harm. */
export function asksFor(name: string, { fieldNodes, fragments }: GraphQLResolveInfo): boolean {
  const seen = new Set<string>();
  const within = (selections: SelectionSetNode | undefined): boolean =>
    selections?.selections.some((selection) => {
      if (selection.kind === Kind.FIELD)
        return selection.name.value === name || within(selection.selectionSet);
      if (selection.kind === Kind.INLINE_FRAGMENT) return within(selection.selectionSet);
      const fragment = selection.name.value;
      if (seen.has(fragment)) return false;
      seen.add(fragment);
      return within(fragments[fragment]?.selectionSet);
    }) ?? false;
  return fieldNodes.some(({ selectionSet }) => within(selectionSet));
}

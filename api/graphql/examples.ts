/** Queries for the commonest questions, shown in GraphiQL and run by a test. */
export interface Example {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}
export const EXAMPLES: readonly Example[] = [];

/**
 * Makes a value once for each owner, when it is first asked for. Domains keep their loaders this way: one for each view or
 * request, so that look-ups of the whole answer are joined.
 */
export function oncePer<Owner extends object, Value extends object>(
  make: (owner: Owner) => Value,
): (owner: Owner) => Value {
  const made = new WeakMap<Owner, Value>();
  return (owner) => {
    const known = made.get(owner);
    if (known !== undefined) return known;
    const value = make(owner);
    made.set(owner, value);
    return value;
  };
}

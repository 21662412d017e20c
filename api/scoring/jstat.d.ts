/** The one function of jstat 1.9 that we use; the package has no types of its own. */
declare module "jstat" {
  const jstat: {
    /** Inverse of the regularised incomplete beta function. */
    readonly ibetainv: (p: number, a: number, b: number) => number;
  };
  export default jstat;
}

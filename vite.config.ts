/**
 * For the Vite inside Ponder, which would watch the whole folder for changes, the database and the devnet's states in the data
 * directory included: that took most of the indexers' processor time. Nothing is reloaded here.
 */
export default { server: { watch: null } };

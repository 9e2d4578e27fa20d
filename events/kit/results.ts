/**
 * Version of the results of commands. Raise it when a result changes its shape other than through a decider's state. Results
 * stored for an Idempotency-Key under another version are then computed again.
 */
export const RESULTS_VERSION = 1

/**
 * The largest batch that a topic takes, in bytes as they travel. An API that takes in bodies of 16 MiB (MAX_BODY_BYTES) makes
 * events a little larger than that: by their envelope. Producers keep their batches below it; topics and brokers allow it.
 */
export const MAX_MESSAGE_BYTES = 20 * 1024 * 1024

/** The largest payload of one event, on whichever log: what is left when its envelope travels with it. */
export const MAX_EVENT_BYTES = MAX_MESSAGE_BYTES - 1024 * 1024

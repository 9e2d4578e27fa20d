/**
 * The largest record batch that topics and brokers accept, in bytes on the wire; producers keep their batches below it. The API
 * accepts bodies of 16 MiB (MAX_BODY_BYTES), and the events made from them are larger by their envelope.
 */
export const MAX_MESSAGE_BYTES = 20 * 1024 * 1024

/** The largest payload of one event, on any log, in bytes; leaves room for the envelope. */
export const MAX_EVENT_BYTES = MAX_MESSAGE_BYTES - 1024 * 1024

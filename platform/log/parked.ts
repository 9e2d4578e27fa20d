import type { Recorded } from '#events/kit/envelope.ts'

/** An event that a consumer cannot handle now: it failed, or waits behind one of its stream that did. */
export interface Parked {
  recorded: Recorded
  state: 'failed' | 'waiting'
  cause: string | null
}

/** As rows of `log.dead_letters`, in JSON. */
export const lettersOf = (parked: readonly Parked[]): string =>
  JSON.stringify(
    parked.map(({ recorded, state, cause }) => {
      const { partition, stream, pos } = recorded
      return { partition, stream, pos, event: recorded, state, cause }
    }),
  )

/** Inserts what `lettersOf` gives. `$1` consumer, `$2` topic. */
export const insertLetters = (parameter: string) => `
  insert into log.dead_letters (consumer, topic, partition, stream, pos, event, state, cause)
  select $1, $2, l.partition, l.stream, l.pos, l.event, l.state, l.cause
    from json_to_recordset(${parameter}) l(partition int, stream text, pos bigint, event json, state text, cause text)`

/** An error as a sentence that Postgres can keep. */
export const reason = (error: unknown) => (error instanceof Error ? error.message : String(error)).replaceAll('\0', '')

import type { Recorded } from '#events/kit/envelope.ts'

export const EVENT_COLUMNS = `pos, topic, partition, key, stream, version, id, type, schema, time, actor, correlation_id, causation_id, traceparent, data`

export interface EventRow {
  pos: number
  topic: string
  partition: number
  key: string
  stream: string
  version: number
  id: string
  type: string
  schema: number
  time: number
  actor: string | null
  correlation_id: string | null
  causation_id: string | null
  traceparent: string | null
  data: string
}

export const toRecorded = ({ correlation_id, causation_id, ...row }: EventRow): Recorded => ({
  ...row,
  correlationId: correlation_id,
  causationId: causation_id,
})

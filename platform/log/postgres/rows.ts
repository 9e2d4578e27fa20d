/** The columns of an event, named as in `Recorded`, so that rows need no conversion. */
export const EVENT_COLUMNS = `pos, topic, partition, key, stream, version, id, type, schema, time, actor,
  correlation_id as "correlationId", causation_id as "causationId", traceparent, data`

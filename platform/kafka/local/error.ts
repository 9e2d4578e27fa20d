import { OperatorError } from '../../operator-error.ts'

/** A local Kafka cannot start, stop or be used; the message says what to do about it. */
export class LocalKafkaError extends OperatorError {
  readonly code: string = 'LOCAL_KAFKA'
  override name = 'LocalKafkaError'
}

/** This machine cannot run a local Kafka: it lacks Java, or cannot fetch the jars. */
export class NoLocalKafka extends LocalKafkaError {
  override readonly code = 'NO_LOCAL_KAFKA'
  override name = 'NoLocalKafka'
}

/** The port was free when it was chosen, but another process has taken it since. */
export class PortTaken extends LocalKafkaError {
  override readonly code = 'PORT_TAKEN'
  override name = 'PortTaken'
}

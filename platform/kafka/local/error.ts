import { Trouble } from '../../trouble.ts'

/** A local Kafka cannot do what it was asked; the message says what to do about it. */
export class LocalKafkaError extends Trouble {
  readonly code: string = 'LOCAL_KAFKA'
  override name = 'LocalKafkaError'
}

/** This machine cannot run a local Kafka at all: it lacks Java, or the way to its jars. */
export class NoLocalKafka extends LocalKafkaError {
  override readonly code = 'NO_LOCAL_KAFKA'
  override name = 'NoLocalKafka'
}

/** The port was free when it was chosen and is not any more. */
export class PortTaken extends LocalKafkaError {
  override readonly code = 'PORT_TAKEN'
  override name = 'PortTaken'
}

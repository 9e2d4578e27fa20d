/** The Kafka of a data folder, whoever starts it: where its data lies below that, and the ports that everyone expects. */
export const usual = (brokers: 1 | 3): { folder: string; ports: number[] } =>
  // A cluster's ports are two apart, as each broker needs one for the controllers as well.
  brokers === 1 ? { folder: 'kafka', ports: [9092] } : { folder: 'kafka-cluster', ports: [9092, 9094, 9096] }

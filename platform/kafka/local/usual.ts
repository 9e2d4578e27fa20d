/** The subfolder of the data folder and the default ports of a local Kafka. */
export const usual = (brokers: 1 | 3): { folder: string; ports: number[] } =>
  // Ports of a cluster are two apart, because each broker also needs a port for its controller.
  brokers === 1 ? { folder: 'kafka', ports: [9092] } : { folder: 'kafka-cluster', ports: [9092, 9094, 9096] }

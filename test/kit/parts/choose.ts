import { NoLocalKafka } from '#platform/kafka/local/index.ts'
import { NoDocker } from './docker.ts'

/** A program of others that tests run on. */
export interface Part {
  /** As clients are told it. */
  address: string
  stop(): Promise<void>
}

/** The ways to come by a part. Each throws `NoDocker` or `NoLocalKafka` when the machine is not made for it. */
export interface Ways {
  /** What it is called, and which variable names one that runs already. */
  name: string
  variable: string
  docker(): Promise<Part>
  jars(): Promise<Part>
}

/**
 * The part that the environment names, else one in Docker, else one from the jars of Maven Central.
 * @returns why there is none, in a line, when this machine can run neither
 * @throws whatever goes wrong on a machine that can
 */
export async function choose({ name, variable, docker, jars }: Ways, env = process.env): Promise<Part | string> {
  const given = env[variable]
  if (given) return { address: given, stop: async () => {} }
  try {
    return await docker()
  } catch (error) {
    if (!(error instanceof NoDocker)) throw error
  }
  try {
    return await jars()
  } catch (error) {
    if (!(error instanceof NoLocalKafka)) throw error
    return `no ${name}: ${variable} is not set, there is no Docker, and ${error.message}`
  }
}

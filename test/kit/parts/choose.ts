import { NoLocalKafka } from '#platform/kafka/local/index.ts'
import { NoDocker } from './docker.ts'

/** An external program that tests need. */
export interface Part {
  /** Address for clients. */
  address: string
  stop(): Promise<void>
}

/** Ways to get a part. They throw `NoDocker` or `NoLocalKafka` when the machine lacks what they need. */
export interface Ways {
  /** Name of the part, and the variable with the address of a running one. */
  name: string
  variable: string
  docker(): Promise<Part>
  jars(): Promise<Part>
}

/**
 * Returns the part set in the environment, else one in Docker, else one from Maven Central's jars.
 * @returns a one-line reason if this machine can run neither
 * @throws other errors on a machine that can
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

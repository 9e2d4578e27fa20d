import type { GenericContainer, StartedTestContainer } from 'testcontainers'
import type { Part } from './choose.ts'

/** Neither Docker nor a substitute is available. */
export class NoDocker extends Error {
  override name = 'NoDocker'
}

const NO_ENGINE = /Could not find a working container runtime strategy/

/**
 * Runs an image until the part is stopped.
 * @param address returns the address for clients
 * @throws NoDocker
 */
export async function container(
  image: string,
  prepare: (container: GenericContainer, tools: typeof import('testcontainers')) => GenericContainer,
  address: (started: StartedTestContainer) => string,
): Promise<Part> {
  const tools = await import('testcontainers')
  try {
    const started = await prepare(new tools.GenericContainer(image), tools).start()
    return { address: address(started), stop: async () => void (await started.stop()) }
  } catch (error) {
    throw noDocker(error) ?? error
  }
}

/** Converts testcontainers' error for a missing engine. */
export const noDocker = (error: unknown): NoDocker | undefined =>
  error instanceof Error && NO_ENGINE.test(error.message) ? new NoDocker(error.message) : undefined

import type { GenericContainer, StartedTestContainer } from 'testcontainers'
import type { Part } from './choose.ts'

/** There is no Docker, or nothing that stands in for it, on this machine. */
export class NoDocker extends Error {
  override name = 'NoDocker'
}

const NO_ENGINE = /Could not find a working container runtime strategy/

/**
 * Runs an image until the part is stopped.
 * @param address of the started container, as clients are told it
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

/** What testcontainers says when it finds no engine, as an error of its own kind. */
export const noDocker = (error: unknown): NoDocker | undefined =>
  error instanceof Error && NO_ENGINE.test(error.message) ? new NoDocker(error.message) : undefined

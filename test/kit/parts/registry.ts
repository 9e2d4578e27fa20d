import { destroyRegistry, startRegistry } from '#platform/kafka/local/registry.ts'
import type { Part, Ways } from './choose.ts'
import { container } from './docker.ts'
import { testFolder } from './folder.ts'

const IMAGE = 'apicurio/apicurio-registry:3.0.9'
const PORT = 8080
const API = '/apis/ccompat/v7'

export const registryWays: Ways = {
  name: 'schema registry',
  variable: 'SCHEMA_REGISTRY_URL',
  docker: inDocker,
  jars: fromJars,
}

function inDocker(): Promise<Part> {
  return container(
    IMAGE,
    (image, { Wait }) => image.withExposedPorts(PORT).withWaitStrategy(Wait.forHttp(`${API}/subjects`, PORT)),
    (started) => `http://${started.getHost()}:${started.getMappedPort(PORT)}${API}`,
  )
}

async function fromJars(): Promise<Part> {
  const dataDir = await testFolder('registry', destroyRegistry)
  try {
    const { url, stop } = await startRegistry({ dataDir, log: console.error })
    return { address: url, stop: () => stop().then(() => destroyRegistry(dataDir)) }
  } catch (error) {
    await destroyRegistry(dataDir)
    throw error
  }
}

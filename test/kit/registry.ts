import { registryWays } from './parts/registry.ts'
import { afterAll, shared } from './parts/shared.ts'

const registry = shared(registryWays)

/**
 * URL of a schema registry shared by all tests of this run: SCHEMA_REGISTRY_URL, or one that is started on first use and stops with
 * the run. Other tests use the same registry: choose a unique prefix for subjects.
 * @param test as with `kafkaBrokers`
 */
export const schemaRegistry = (test?: Mocha.Context): Promise<string> => registry.address(test)

afterAll('stop the schema registry', registry.stop)

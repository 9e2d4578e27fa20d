import { registryWays } from './parts/registry.ts'
import { afterAll, shared } from './parts/shared.ts'

const registry = shared(registryWays)

/**
 * The URL of a schema registry that all tests of this run share: the one of SCHEMA_REGISTRY_URL, else one that the first test to
 * ask starts and that ends with the run. Subjects of other tests are there as well: put a prefix of your own before yours.
 * @param test as with `kafkaBrokers`
 */
export const schemaRegistry = (test?: Mocha.Context): Promise<string> => registry.address(test)

afterAll('stop the schema registry', registry.stop)

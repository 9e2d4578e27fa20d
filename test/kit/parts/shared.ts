import { choose, type Part, type Ways } from './choose.ts'

/** The first start on a machine fetches an image or jars. */
export const FIRST_START_MS = 300_000

/** A part that all tests of a run share: started by the first that asks, gone after the last. */
export function shared(ways: Ways) {
  let part: Promise<Part | string> | undefined

  /** Where it is. @param test the `this` of the hook or test that asks, to skip it when there is none */
  async function address(test?: Mocha.Context): Promise<string> {
    test?.timeout(FIRST_START_MS)
    part ??= choose(ways)
    const chosen = await part
    return typeof chosen === 'string' ? without(test, chosen) : chosen.address
  }

  async function stop() {
    const chosen = await part?.catch(() => undefined)
    part = undefined
    if (typeof chosen === 'object') await chosen.stop()
  }

  return { address, stop }
}

/** Skips the tests that ask for what cannot be had, saying why; with REQUIRE_KAFKA=1 they fail. */
export function without(test: Mocha.Context | undefined, why: string): never {
  if (!test || process.env.REQUIRE_KAFKA === '1') throw new Error(why)
  console.error(`skipping: ${why}`)
  return test.skip()
}

/** Imported by a test file, this is a hook of mocha's root suite: it runs after all the tests of all files. */
export function afterAll(title: string, stop: () => Promise<void>) {
  if (typeof after !== 'function') return
  after(title, function () {
    this.timeout(60_000)
    return stop()
  })
}

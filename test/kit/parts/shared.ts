import { choose, type Part, type Ways } from './choose.ts'

/** The first start on a machine downloads an image or jars. */
export const FIRST_START_MS = 300_000

/** A part shared by all tests of a run: started on first use, stopped at the end of the run. */
export function shared(ways: Ways) {
  let part: Promise<Part | string> | undefined

  /** Address of the part. @param test the `this` of the calling hook or test, which is skipped if there is no part */
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

/** Skips tests whose part is unavailable, and prints why; with REQUIRE_KAFKA=1 they fail. */
export function without(test: Mocha.Context | undefined, why: string): never {
  if (!test || process.env.REQUIRE_KAFKA === '1') throw new Error(why)
  console.error(`skipping: ${why}`)
  return test.skip()
}

/** In a test file this adds a hook to mocha's root suite: it runs after all tests of all files. */
export function afterAll(title: string, stop: () => Promise<void>) {
  if (typeof after !== 'function') return
  after(title, function () {
    this.timeout(60_000)
    return stop()
  })
}

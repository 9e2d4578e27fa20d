import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import type { Context } from 'mocha'
import { type Browser, chromium } from 'playwright-core'
import { withApt } from './debian.ts'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
/** Installing takes a minute or two on a slow network. */
const INSTALL_MS = 300_000

let launched: Promise<Browser> | undefined

/**
 * A real Chromium, shared by all tests of this process. Call it in `before`. If there is none, it is installed with apt, which
 * needs root on Debian; if that fails, the tests are skipped, or fail with REQUIRE_BROWSER=1.
 */
export async function testBrowser(test?: Context): Promise<Browser> {
  test?.timeout(INSTALL_MS)
  try {
    launched ??= launch()
    return await launched
  } catch (error) {
    if (!test || process.env.REQUIRE_BROWSER === '1') throw error
    console.error(`skipping: ${(error as Error).message}`)
    return test.skip()
  }
}

/** Closes the browser, if one runs. */
export async function closeBrowser(): Promise<void> {
  const running = await launched?.catch(() => undefined)
  launched = undefined
  await running?.close()
}

async function launch(): Promise<Browser> {
  const executablePath = (await found()) ?? (await installed())
  // Chromium's sandbox needs rights that root lacks in a container; the tests open only VidWiz's own pages.
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
  process.once('exit', () => void browser.close())
  return browser
}

/** Looks in CHROMIUM_PATH, then on the PATH. */
async function found(): Promise<string | undefined> {
  const { CHROMIUM_PATH, PATH = '' } = process.env
  if (CHROMIUM_PATH) return CHROMIUM_PATH
  for (const folder of PATH.split(delimiter))
    for (const name of NAMES) {
      const path = join(folder, name)
      if (
        await access(path, constants.X_OK).then(
          () => true,
          () => false,
        )
      )
        return path
    }
  return undefined
}

async function installed(): Promise<string> {
  if (process.getuid?.() !== 0) throw new Error('there is no Chromium, and only root can install one')
  const run = promisify(execFile)
  const apt = (...args: string[]) =>
    run('apt-get', ['-qq', ...args], { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, timeout: INSTALL_MS })
  return withApt(async () => {
    // Another process may have installed it while this one waited for the lock.
    const already = await found()
    if (already) return already
    try {
      await apt('update')
      await apt('install', '-y', '--no-install-recommends', 'chromium')
    } catch (error) {
      throw new Error(`there is no Chromium, and it cannot be installed: ${(error as Error).message}`)
    }
    const path = await found()
    if (!path) throw new Error('Chromium was installed, but cannot be found')
    return path
  })
}

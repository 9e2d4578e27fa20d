import { mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Context } from 'mocha'
import { findPython } from '#platform/python/find.ts'
import { installedYtDlp, type YtDlp } from '#platform/ytdlp/install.ts'

/**
 * The real yt-dlp, installed as by the helpers, once for all tests of this machine. Without Python the test is skipped with a
 * message, or fails with REQUIRE_YTDLP=1.
 */
export async function testYtDlp(test: Context): Promise<YtDlp> {
  await pythonOrSkip(test)
  const data = join(tmpdir(), `vidwiz-tests-yt-dlp-${process.getuid?.() ?? ''}`)
  mkdirSync(data, { recursive: true, mode: 0o700 })
  return installedYtDlp({ data })
}

export async function pythonOrSkip(test: Context): Promise<void> {
  const { found } = await findPython()
  if (found || process.env.REQUIRE_YTDLP === '1') return
  console.error('skipping: there is no Python that yt-dlp runs on')
  test.skip()
}

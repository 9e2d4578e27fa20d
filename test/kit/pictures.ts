import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { openDb } from '#platform/pg/pool.ts'
import { closeBrowser, testBrowser } from './browser.ts'
import { eventually } from './eventually.ts'
import { freePort } from './free-port.ts'
import { startLoad } from './ledger.ts'
import { stopPostgres } from './postgres.ts'
import { smallPng } from './small-png.ts'
import { PARTS, startStack } from './stack.ts'

// Takes the screenshots for the documents from a real system: `make pictures`.

const FOLDER = join(import.meta.dirname, '../../docs/images')
const PASSWORD = 'a password for pictures'
const SIZE = { width: 1360, height: 850 }
const PATIENCE = { withinMs: 60_000, everyMs: 200 }

const browser = await testBrowser()
const port = await freePort()
const stack = await startStack(
  { OPS_PORT: String(port), OPS_PASSWORD: PASSWORD, VIDWIZ_WITHOUT: 'media-scheduler,media-bridge,media-door' },
  { parts: [...PARTS, 'local-aws', 'ai-notes', 'summaries', 'sqs-bridge', 'ops'] },
)
const db = openDb(stack.databaseUrl)
const pages = await Promise.all((['light', 'dark'] as const).map(async (scheme) => ({ scheme, page: await signedIn(scheme) })))

async function signedIn(colorScheme: 'light' | 'dark'): Promise<Page> {
  const page = await browser.newPage({ colorScheme, viewport: SIZE })
  await page.goto(`http://127.0.0.1:${port}`)
  await page.getByLabel('Password or token').fill(PASSWORD)
  await page.keyboard.press('Enter')
  await page.locator('#consumers').waitFor()
  return page
}

/** Makes two events that no projector has seen yet undecodable. */
async function breakSome() {
  const broken = await db.query(
    'pictures.break',
    `update log.events set data = (data::jsonb || '{"generatedByAi":"maybe"}')::json
      where pos in (select max(pos) from log.events e where type = 'NoteEdited'
                     and pos > (select max(pos) from log.checkpoints c where c.consumer = 'notes' and c.topic = e.topic)
                     group by stream order by 1 desc limit 2)
      returning pos`,
  )
  if (broken.length < 2) throw new Error('nobody has edited a note')
}

async function take(name: string) {
  mkdirSync(FOLDER, { recursive: true })
  for (const { scheme, page } of pages) {
    const picture = smallPng(await page.screenshot())
    writeFileSync(join(FOLDER, `ops-${scheme}-${name}.png`), picture)
    console.log(`ops-${scheme}-${name}.png: ${Math.round(picture.length / 1024)} KB`)
  }
}

const verdictIs = (pattern: RegExp) =>
  eventually(async () => {
    const said = await pages[0]!.page.locator('#verdict').textContent()
    if (!pattern.test(said ?? '')) throw new Error(`it says: ${said}\n${await pages[0]!.page.locator('#main').innerText()}`)
  }, PATIENCE)

try {
  const load = await startLoad({ url: stack.url, clients: 2 })
  await verdictIs(/^all is well/)
  for (const { page } of pages) await page.getByRole('button', { name: /are well/ }).click()
  await new Promise((resolve) => setTimeout(resolve, 20_000))
  await take('well')

  for (const { page } of pages) await page.getByRole('button', { name: /are well/ }).click()
  const projector = await stack.signal('projector', 'SIGSTOP')
  await eventually(breakSome, PATIENCE)
  process.kill(projector, 'SIGCONT')
  const frozen = await stack.signal('fetch-scheduler', 'SIGSTOP')
  await verdictIs(/need you/)
  await eventually(async () => {
    for (const state of ['STUCK', 'PARKED'])
      if ((await pages[0]!.page.locator(`[data-state="${state}"]`).count()) === 0) throw new Error(`nothing is ${state}`)
  }, PATIENCE)
  await pages[1]!.page
    .getByRole('button', { name: /^Partitions/ })
    .first()
    .click()
  await new Promise((resolve) => setTimeout(resolve, 8_000))
  await take('trouble')
  process.kill(frozen, 'SIGCONT')
  await load.stop()
} finally {
  await db.close()
  await closeBrowser()
  await stack.stop()
  // Only a test run does this by itself.
  await stopPostgres()
}

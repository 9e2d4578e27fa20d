import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { createNote } from '#events/note.ts'
import { closeBrowser, testBrowser } from '#test/kit/browser.ts'
import { consumerLook, lookOf } from '#test/kit/looks.ts'
import { OPS_PASSWORD, type Ops, startOps } from '#test/kit/ops.ts'

const SECRET = 'what only its writer should read'
const HOSTILE = '<img src=x onerror="window.pwned=1">'

describe('the page in a browser: replays', function () {
  this.timeout(60_000)
  let browser: Browser
  let context: BrowserContext
  let page: Page
  let ops: Ops
  const folder = mkdtempSync(join(tmpdir(), 'vidwiz-replay-page-'))
  const errors: string[] = []

  before(async function () {
    browser = await testBrowser(this)
    const reactor = consumerLook('summaries', { kind: 'reactor' })
    ops = await startOps({
      everyMs: 200,
      look: async () => lookOf([consumerLook('notes'), reactor], { at: Date.now() }),
      env: { VIDWIZ_DATA: folder },
    })
    for (const text of [SECRET, SECRET, HOSTILE])
      await ops.execute(createNote({ userId: 1, videoId: 'dQw4w9WgXcQ', timestamp: '0:01', text }), {
        actor: null,
        correlationId: null,
      })
    await ops.settled()
    context = await browser.newContext({ viewport: { width: 1200, height: 900 } })
    page = await context.newPage()
    page.setDefaultTimeout(20_000)
    page.on('console', (message) => message.type() === 'error' && !message.text().includes('401') && errors.push(message.text()))
    page.on('pageerror', (error) => errors.push(error.message))
    await page.goto(ops.url)
    await page.getByLabel('Password or token').fill(OPS_PASSWORD)
    await page.keyboard.press('Enter')
    await page.locator('nav').getByRole('link', { name: 'Replay' }).click()
    await page.getByRole('table', { name: 'Views', exact: true }).waitFor()
  })
  after(async () => {
    await context?.close()
    await ops?.stop()
    await closeBrowser()
    rmSync(folder, { recursive: true, force: true })
  })
  afterEach(async () => {
    expect(await page.evaluate('window.pwned'), 'nothing that is shown runs').to.equal(undefined)
    expect(errors.splice(0)).to.deep.equal([])
  })
  const card = () => page.getByRole('region', { name: 'Replay' })
  const dialog = () => page.getByRole('dialog')
  const confirm = async (reason: string, name: string, verb: string) => {
    await dialog().getByRole('textbox', { name: 'Reason' }).fill(reason)
    await dialog().getByRole('textbox', { name: /^Type/ }).fill(name)
    await dialog().getByRole('button', { name: verb, exact: true }).click()
  }

  it('a dry run shows what differs without texts, and hands out all of it to who says why', async () => {
    await ops.db.query('t.tamper', `update views.notes set text = 'tampered with' where note_id <= 2`)
    await page.getByRole('button', { name: 'Dry run of notes' }).click()
    await card().getByText('2 changed').waitFor()
    const text = await card().innerText()
    expect(text).to.include('changed: text')
    expect(text).to.not.include(SECRET)
    expect(text).to.not.include('tampered with')
    const asked = card().getByLabel(/^All rows, with every text/)
    await asked.fill('to compare by hand')
    const [download] = await Promise.all([page.waitForEvent('download'), asked.press('Enter')])
    const lines = readFileSync((await download.path())!, 'utf8')
      .trim()
      .split('\n')
    expect(lines.map((line) => JSON.parse(line).live.text)).to.deep.equal(['tampered with', 'tampered with'])
  })

  it('a rebuild tells what the dry run said, wants a reason and the name, shows its end, and is history with its reason', async () => {
    await page.getByRole('button', { name: 'Rebuild notes', exact: true }).click()
    await dialog().getByText('changed 2').waitFor()
    expect(await dialog().getByRole('button', { name: 'Rebuild', exact: true }).isDisabled()).to.equal(true)
    await confirm(HOSTILE, 'notes', 'Rebuild')
    await dialog().getByText('It has begun').waitFor()
    await dialog().getByRole('button', { name: 'Close' }).last().click()
    await card().getByText('3 rows from 3 events').waitFor()
    const [row] = await ops.db.query('t.row', 'select text from views.notes where note_id = 1')
    expect(row).to.deep.equal({ text: SECRET })
    await ops.settled()
    await page.reload()
    const history = page.getByRole('table', { name: 'What was replayed' })
    await history.getByText(HOSTILE, { exact: true }).waitFor()
    expect(await history.locator('tbody > tr').first().innerText()).to.match(/rebuild of notes[\s\S]*operator[\s\S]*done/)
  })

  it('a rebuild that waits is cancelled, and nothing has changed', async () => {
    await ops.db.query('t.tamper', `update views.notes set text = 'tampered with' where note_id <= 2`)
    await ops.db.tx(async (tx) => {
      // Somebody reads the table for long: the rebuild waits with its swap.
      await tx.query('lock table views.notes in access share mode')
      await page.getByRole('button', { name: 'Rebuild notes', exact: true }).click()
      await confirm('to be cancelled', 'notes', 'Rebuild')
      await dialog().getByText('It has begun').waitFor()
      await dialog().getByRole('button', { name: 'Close' }).last().click()
      await card().getByText('swap', { exact: true }).waitFor()
      await card().getByRole('button', { name: 'Cancel' }).click()
      await card().getByText('cancelled', { exact: true }).first().waitFor()
    })
    const [row] = await ops.db.query('t.row', 'select text from views.notes where note_id = 1')
    expect(row).to.deep.equal({ text: 'tampered with' })
  })

  it('a view is folded as it was, asked, compared with now and dropped', async () => {
    const [second] = await ops.db.query<{ pos: number }>('t.second', `select pos from log.events where stream = 'note-2'`)
    await page.getByRole('button', { name: 'notes as of …', exact: true }).click()
    await dialog().getByLabel('or position').fill(String(second!.pos))
    await dialog().getByRole('button', { name: 'Fold it' }).click()
    await card().getByText(`2 rows as of position ${second!.pos}`).waitFor()
    const past = page.getByRole('table', { name: 'Views as they were' })
    await past.getByRole('button', { name: /^rows of notes/ }).click()
    await past.getByText('note_id').first().waitFor()
    expect(await past.innerText()).to.not.include(SECRET)
    await past.getByRole('button', { name: /^Drop notes/ }).click()
    await past.waitFor({ state: 'detached' })
  })

  it('a reset says what would be handled again and what cannot happen twice, then does it', async () => {
    await ops.db.query(
      't.stand',
      `insert into log.checkpoints (consumer, topic, partition, pos) select distinct 'summaries', topic, partition, 9 from log.events where topic = 'vidwiz.videos'`,
    )
    await page.getByRole('button', { name: 'Reset summaries …' }).click()
    await dialog()
      .getByLabel(/after position/)
      .fill('0')
    await dialog().getByRole('button', { name: 'Show what that means' }).click()
    await dialog().getByText('1 event would be handled again').waitFor()
    await dialog().getByText('No event is written twice').waitFor()
    await confirm('its rule was mended', 'summaries', 'Reset')
    await dialog().getByText('Done: 1 event again, 0 never').waitFor()
    await dialog().getByRole('button', { name: 'Close' }).last().click()
  })

  it('fits a screen of 320 pixels', async () => {
    await page.setViewportSize({ width: 320, height: 640 })
    await page.getByRole('table', { name: 'What was replayed' }).waitFor()
    expect(await page.evaluate('document.documentElement.scrollWidth')).to.be.at.most(320)
  })
})

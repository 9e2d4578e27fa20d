import { expect } from 'chai'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { parkedGroups } from '#services/operations/parked/groups.ts'
import { closeBrowser, testBrowser } from '#test/kit/browser.ts'
import { noteCreated } from '#test/kit/histories.ts'
import { consumerLook, lookOf } from '#test/kit/looks.ts'
import { OPS_PASSWORD, type Ops, startOps } from '#test/kit/ops.ts'
import { equalsReplay, mend, poison, record, SECRET } from '#test/kit/poison.ts'

const HOSTILE = '<img src=x onerror="window.pwned=1">'

describe('the page in a browser: parked events (P8)', function () {
  this.timeout(30_000)
  let browser: Browser
  let context: BrowserContext
  let page: Page
  let ops: Ops
  const errors: string[] = []

  before(async function () {
    browser = await testBrowser(this)
    ops = await startOps({ everyMs: 200, look })
    context = await browser.newContext({ viewport: { width: 1200, height: 900 } })
    page = await context.newPage()
    page.setDefaultTimeout(10_000)
    page.on('console', (message) => message.type() === 'error' && !message.text().includes('401') && errors.push(message.text()))
    page.on('pageerror', (error) => errors.push(error.message))
    await page.goto(ops.url)
    await page.getByLabel('Password or token').fill(OPS_PASSWORD)
    await page.keyboard.press('Enter')
    await page.locator('#consumers').waitFor()
  })
  after(async () => {
    await context?.close()
    await ops?.stop()
    await closeBrowser()
  })
  afterEach(async () => {
    expect(await page.evaluate('window.pwned'), 'nothing that is shown runs').to.equal(undefined)
    expect(errors.splice(0)).to.deep.equal([])
  })

  /** Of the view of notes, what is really parked there. */
  async function look() {
    const groups = await parkedGroups(ops.db, { consumer: 'notes' })
    const streams = groups.reduce((sum, group) => sum + group.streams, 0)
    const events = groups.reduce((sum, group) => sum + group.events, 0)
    const oldestAt = streams === 0 ? null : Math.min(...groups.map(({ firstAt }) => firstAt))
    const state = streams > 0 ? ({ state: 'PARKED', why: `${streams} streams are held up` } as const) : {}
    return lookOf([consumerLook('notes', { parked: { streams, events, oldestAt }, ...state })], { at: Date.now() })
  }

  const table = () => page.getByRole('table', { name: 'Parked events by cause' })

  it('a poisoned event shows as PARKED; mended and redriven from the page, it is gone', async () => {
    await poison(ops.db, 1, 2)
    await ops.settled()
    await page.locator('[data-state="PARKED"]').first().waitFor()
    await page.getByRole('link', { name: 'See what is parked' }).click()
    await table().waitFor()
    const row = await table().locator('tbody > tr').first().innerText()
    for (const part of ['EventError BROKEN_PAYLOAD', 'events/kit/codec.ts:', 'notes', '2', '4']) expect(row).to.include(part)

    // A stream's letters: the event, what it met, why it failed; nobody's text.
    await page.getByRole('button', { name: /^2 streams of group/ }).click()
    await page.getByRole('button', { name: 'Events of note-1 in notes' }).click()
    await page.getByText('Row 1 of notes, which the first one meets').waitFor()
    expect(await page.locator('main').innerText())
      .to.include('NoteEdited')
      .and.to.not.include(SECRET)

    await mend(ops.db, 1)
    await page.getByRole('button', { name: 'Redrive note-1 in notes' }).click()
    await page.getByText('1 stream tried: 2 events applied, 0 still parked').first().waitFor()
    await page.getByRole('button', { name: /^1 stream of group/ }).waitFor()

    await mend(ops.db, 2)
    await page.getByRole('button', { name: 'Redrive group …' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('2 events would be applied').waitFor()
    const apply = dialog.getByRole('button', { name: 'Redrive', exact: true })
    expect(await apply.isDisabled(), 'without a reason and the name').to.equal(true)
    await dialog.getByRole('textbox', { name: 'Reason' }).fill('the payload was mended')
    await dialog.getByRole('textbox', { name: /^Type/ }).fill((await dialog.locator('strong').first().innerText()).trim())
    await apply.click()
    await dialog.getByText('1 stream tried: 2 events applied, 0 still parked').waitFor()
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    await page.getByText('Nothing is parked in notes').waitFor()
    await page.locator('nav').getByRole('link', { name: 'Consumers' }).click()
    await page.locator('[data-state="PARKED"]').waitFor({ state: 'detached' })
    expect(await equalsReplay(ops)).to.equal(true)
  })

  it('an event is skipped with what will differ shown; hostile texts are shown as texts', async () => {
    await record(ops.db, { ...noteCreated({ noteId: 3, text: HOSTILE }), type: HOSTILE })
    await ops.settled()
    await page.goto(`${ops.url}/#/parked?consumer=notes`)
    await page.getByRole('button', { name: /^1 stream of group/ }).click()
    await page.getByRole('button', { name: 'Events of note-3 in notes' }).click()
    await page.getByRole('button', { name: 'Skip this event …' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('also when it is rebuilt or compared').waitFor()
    expect(await dialog.innerText()).to.include(HOSTILE)
    await dialog.getByRole('textbox', { name: 'Reason' }).fill(HOSTILE)
    await dialog.getByRole('textbox', { name: /^Type/ }).fill('notes note-3')
    await dialog.getByRole('button', { name: 'Skip', exact: true }).click()
    await dialog.getByText('Skipped position').waitFor()
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    await page.getByText('Nothing is parked in notes').waitFor()
    expect(await equalsReplay(ops)).to.equal(true)
  })

  it('fits a screen of 320 pixels', async () => {
    await poison(ops.db, 11)
    await ops.settled()
    await page.setViewportSize({ width: 320, height: 640 })
    await page.goto(`${ops.url}/#/parked?consumer=notes`)
    await page.getByRole('button', { name: /^1 stream of group/ }).click()
    await page.getByRole('button', { name: 'Events of note-11 in notes' }).click()
    await page.getByText('Row 11 of notes').waitFor()
    expect(await page.evaluate('document.documentElement.scrollWidth')).to.be.at.most(320)
  })
})

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { catalog } from '#events/catalog.ts'
import { NoteCreated, type NoteEvent, notes } from '#events/note.ts'
import type { View } from '#projections/engine/view.ts'
import { type NoteRow, notesView } from '#projections/notes.ts'
import { usersView } from '#projections/users.ts'
import { checkPrints, type PrintSource, printSource, writePrints } from '#services/cli/fingerprints/check.ts'
import { ofDecider, ofView } from '#services/cli/fingerprints/print.ts'

/** The view as it would be with this changed. */
const changed = (change: Partial<View>): View => ({ ...notesView, ...change })
const withColumn = (version: number) => changed({ version, columns: { ...notesView.columns, colour: 'text' } })
/** The same table, other rows. */
const shouting = (version: number) =>
  changed({
    version,
    evolve: (row: NoteRow | undefined, event: NoteEvent) => {
      const after = notesView.evolve(row, event)
      return typeof after === 'object' && event.type === 'NoteEdited'
        ? { ...after, text: after.text?.toUpperCase() ?? null }
        : after
    },
  })
const { version } = notesView

describe('the versions of this house', () => {
  it('are those of all views and deciders, over histories with events of every type', async () =>
    expect(await checkPrints(await printSource())).to.deep.equal([]))
})

describe('checking the versions of views and deciders', () => {
  let folder: string
  let histories: PrintSource['histories']
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'prints-'))
    histories = (await printSource()).histories
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const source = (...subjects: PrintSource['subjects']): PrintSource => ({ folder, histories, catalog, subjects })
  const told = async (...subjects: PrintSource['subjects']) =>
    (await checkPrints(source(...subjects))).map(({ type, version, what }) => `${type} v${version}: ${what}`)
  const written = async (...subjects: PrintSource['subjects']) => (await writePrints(source(...subjects))).written

  it('misses the fingerprint of a new version, and writes it once', async () => {
    expect(await told(ofView(notesView))).to.deep.equal([`view notes v${version}: has no committed fingerprint`])
    expect(await written(ofView(notesView))).to.deep.equal([`views/notes.v${version}.json`])
    expect(await written(ofView(notesView))).to.deep.equal([])
    expect(await told(ofView(notesView))).to.deep.equal([])
  })

  for (const [what, change, said] of [
    ['a column', withColumn(version), 'was changed without a new version: column colour: none → text'],
    ['an index', changed({ indexes: ['(user_id)'] }), 'was changed without a new version: its indexes'],
    ['the key', changed({ key: 'text' }), 'was changed without a new version: key: note_id → text'],
    ['the type of a column', changed({ columns: { ...notesView.columns, text: 'varchar' } }), 'column text: text → varchar'],
    ['the fold', shouting(version), `folds to something else than version ${version} did (history 1`],
  ] as const)
    it(`refuses another view with the same version: ${what}; nor writes over what was committed`, async () => {
      await written(ofView(notesView))
      expect((await told(ofView(change))).join()).to.contain(said)
      expect(await written(ofView(change))).to.deep.equal([])
      expect(await told(ofView(notesView))).to.deep.equal([])
    })

  it('takes the change with a new version, and refuses to go back to the old one', async () => {
    await written(ofView(notesView))
    expect(await written(ofView(shouting(version + 1)))).to.deep.equal([`views/notes.v${version + 1}.json`])
    expect(await told(ofView(shouting(version + 1)))).to.deep.equal([])
    expect(await told(ofView(notesView))).to.deep.equal([`view notes v${version}: was version ${version + 1} before`])
  })

  it('refuses another state with the same version, and takes it with a new one', async () => {
    const evolve = (note: never, event: never) => {
      const after = notes.evolve(note, event)
      return after && { ...after, colour: 'blue' }
    }
    const more = (stateVersion: number) => ofDecider({ ...notes, stateVersion, evolve: evolve as never }, catalog)
    await written(ofDecider(notes, catalog))
    expect((await told(more(notes.stateVersion))).join()).to.contain(
      `state of note v${notes.stateVersion}: folds to something else`,
    )
    await written(more(notes.stateVersion + 1))
    expect(await told(more(notes.stateVersion + 1))).to.deep.equal([])
  })

  it('does not mind in which order fields are set', async () => {
    await written(ofView(notesView))
    const evolve = (row: NoteRow | undefined, event: NoteEvent) => {
      const after = notesView.evolve(row, event)
      return typeof after === 'object' ? (Object.fromEntries(Object.entries(after).reverse()) as NoteRow) : after
    }
    expect(await told(ofView(changed({ evolve })))).to.deep.equal([])
  })

  it('adds what a new history folds to, and misses a history that is gone', async () => {
    await written(ofView(notesView))
    const all = histories
    histories = new Map([...all, ['new', all.get('1')!.slice(0, 5)]])
    expect(await told(ofView(notesView))).to.deep.equal([`view notes v${version}: has no fingerprint over a new history`])
    expect(await written(ofView(notesView))).to.have.length(1)
    expect(await told(ofView(notesView))).to.deep.equal([])
    histories = all
    expect(await told(ofView(notesView))).to.deep.equal([`view notes v${version}: was folded over history new`])
  })

  it('needs no fingerprint over a history that has none of its events', async () => {
    await written(ofView(notesView))
    histories = new Map([
      ...histories,
      ['of users', histories.get('1')!.map((life) => life.filter(({ topic }) => topic === 'vidwiz.users'))],
    ])
    expect(await told(ofView(notesView))).to.deep.equal([])
    expect(await told(ofDecider(notes, catalog), ofView(usersView))).to.have.length(2)
    await written(ofDecider(notes, catalog), ofView(usersView))
    const foldsOf = (file: string) => Object.keys(JSON.parse(readFileSync(join(folder, file), 'utf8')).folds)
    expect(foldsOf(`states/note.v${notes.stateVersion}.json`)).to.not.include('of users')
    expect(foldsOf(`views/users.v${usersView.version}.json`)).to.include('of users')
  })

  it('tells a type of event that no history has', async () => {
    histories = new Map(
      [...histories].map(([name, lives]) => [name, lives.map((life) => life.filter(({ type }) => type !== NoteCreated.type))]),
    )
    expect((await checkPrints(source())).map(({ type }) => type)).to.deep.equal(['NoteCreated'])
  })

  it('tells a fingerprint that somebody changed by hand', async () => {
    await written(ofView(notesView))
    const file = join(folder, `views/notes.v${version}.json`)
    writeFileSync(file, readFileSync(file, 'utf8').replace(/"1": "\w/, '"1": "#'))
    expect((await told(ofView(notesView))).join()).to.contain('folds to something else')
  })
})

import { expect } from 'chai'
import { readFor } from '#projections/engine/fold.ts'
import { rowMemory } from '#projections/engine/memory.ts'
import { notesView } from '#projections/notes.ts'
import { noteEdited } from '#test/kit/histories.ts'
import { recordedAs } from '#test/kit/world.ts'

describe('what the owner of a view remembers of its rows', () => {
  const row = (chars: number) => ({ note_id: 1, text: 'x'.repeat(chars) })
  const edited = readFor(notesView, recordedAs(noteEdited()))

  it('is what was written last', () => {
    const memory = rowMemory(notesView)
    memory.learn(new Map([[1, row(10)]]))
    memory.learn(new Map([[1, row(20)]]))
    expect(memory.recall([edited])).to.deep.equal({ known: new Map([[1, row(20)]]), unknown: [] })
    memory.learn(new Map([[1, undefined]]))
    expect(memory.recall([edited])).to.deep.equal({ known: new Map(), unknown: [1] })
  })

  it('is a few megabytes at most: long texts push out what was written before them', () => {
    const memory = rowMemory(notesView)
    for (let id = 1; id <= 5; id++) memory.learn(new Map([[id, row(2 ** 20)]]))
    expect(memory.recall([edited])).to.deep.equal({ known: new Map(), unknown: [1] })
  })

  it('holds no row that alone is larger than that, nor what it was before', () => {
    const memory = rowMemory(notesView)
    memory.learn(new Map([[1, row(10)]]))
    memory.learn(new Map([[1, row(5 * 2 ** 20)]]))
    expect(memory.recall([edited])).to.deep.equal({ known: new Map(), unknown: [1] })
  })
})

import { expect } from 'chai'
import { type StudyJob, standingOf } from '#services/api/study.ts'

const job = (but: Partial<StudyJob>): StudyJob => ({
  status: 'queued',
  step: null,
  percent: null,
  language: null,
  languages: [],
  ...but,
})
const status = (but: Partial<StudyJob>, asked?: string) => standingOf(job(but), asked).status
const progress = (but: Partial<StudyJob>) => standingOf(job({ status: 'processing', ...but })).progress

describe('how it stands with the study of a video', () => {
  it('is none before anybody asked, and after what was awaited is not needed any more', () => {
    expect(standingOf(undefined)).to.deep.equal({ status: 'none', step: null, progress: 0 })
    expect(status({ status: 'withdrawn' })).to.equal('none')
    expect(status({ status: 'withdrawn', languages: ['en'] })).to.equal('completed')
  })

  it('is that of the newest job', () => {
    for (const one of ['awaited', 'queued', 'processing', 'completed', 'failed'] as const)
      expect(status({ status: one })).to.equal(one)
    expect(status({ status: 'queued', languages: ['en'] }), 'something is under way').to.equal('queued')
    expect(status({ status: 'failed', languages: ['en'] }), 'there is something all the same').to.equal('completed')
  })

  it('is told of the language that is asked for', () => {
    expect(status({ status: 'queued', language: 'hi', languages: ['en'] }, 'en')).to.equal('completed')
    expect(status({ status: 'queued', language: 'hi', languages: ['en'] }, 'hi')).to.equal('queued')
    expect(status({ status: 'queued', language: 'hi', languages: ['en'] }, 'fr')).to.equal('none')
    expect(status({ status: 'failed', language: 'hi', languages: ['en'] }, 'hi')).to.equal('failed')
    expect(status({ status: 'completed', languages: ['en'] }, 'hi'), 'nobody asked for it').to.equal('none')
    expect(status({ status: 'queued' }, 'hi'), 'it may become one').to.equal('queued')
  })

  it('grows from 0 to 100 over the whole job, never back', () => {
    expect([progress({}), standingOf(job({})).progress, standingOf(job({ status: 'completed' })).progress]).to.deep.equal([
      0, 0, 100,
    ])
    const steps = ['download', 'audio', 'transcript', 'study'] as const
    const way = steps.flatMap((step) => [0, 33, 100].map((percent) => progress({ step, percent })))
    expect(way).to.deep.equal([...way].sort((a, b) => a - b))
    expect([way[0], way.at(-1)]).to.deep.equal([0, 100])
  })
})

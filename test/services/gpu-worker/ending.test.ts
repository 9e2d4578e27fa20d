import { expect } from 'chai'
import { againSeconds, endingOf, endingOfVerdict } from '#services/gpu-worker/ending.ts'
import { HearingError, StudyError } from '#services/gpu-worker/ports.ts'
import { SoundError } from '#services/gpu-worker/sound/error.ts'

describe('how work on a message ends', () => {
  /** In a word or two: what becomes of it, who is to blame, what rests. */
  const inShort = (error: unknown) => {
    const ending = endingOf(error)
    if (ending.kind === 'failed') return ending.permanent ? 'failed for good' : 'failed'
    if (ending.kind !== 'returned') return ending.kind
    return ['returned', ending.blame, ending.rests].filter(Boolean).join(' ')
  }

  it('is for good where no try would help, and never for what was away', () => {
    expect(inShort(new HearingError('bad-audio', 'x'))).to.equal('failed for good')
    expect(inShort(new HearingError('died', 'x'))).to.equal('returned job')
    expect(inShort(new HearingError('set-up', 'x'))).to.equal('returned world set-up')
    expect(inShort(new SoundError('no-sound', 'x'))).to.equal('failed for good')
    expect(inShort(new SoundError('unreadable', 'x'))).to.equal('returned job')
    expect(inShort(new SoundError('set-up', 'x'))).to.equal('returned world set-up')
    expect(inShort(new StudyError('no-model', 'x'))).to.equal('completed')
    expect(inShort(new StudyError('refused', 'x'))).to.equal('failed')
    expect(inShort(new StudyError('away', 'x'))).to.equal('returned world')
    expect(inShort(new StudyError('set-up', 'x'))).to.equal('returned world set-up')
    expect(inShort(new TypeError('a mistake of ours'))).to.equal('returned job')
  })

  it('is a full disk, whoever notices it', () => {
    const full = [
      new SoundError('disk-full', 'the disk is full'),
      Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }),
    ]
    for (const error of full)
      expect(endingOf(error))
        .to.have.property('cause')
        .that.matches(/^the disk of the worker is full/)
    const reason = 'unable to write data: [Errno 28] No space left on device'
    expect(endingOfVerdict({ meaning: 'later', reason })).to.deep.include({ kind: 'returned', blame: 'job' })
    expect(endingOfVerdict({ meaning: 'later', reason }))
      .to.have.property('cause')
      .that.matches(/^the disk of the worker is full/)
  })

  it('follows what yt-dlp says of a video', () => {
    const of = (meaning: 'never' | 'later' | 'stop' | 'set-up') => endingOfVerdict({ meaning, reason: 'x' })
    expect(of('never')).to.deep.equal({ kind: 'failed', cause: 'x', permanent: true })
    expect(of('later')).to.deep.equal({ kind: 'returned', cause: 'x', blame: 'job' })
    expect(of('stop')).to.deep.equal({ kind: 'returned', cause: 'x', blame: 'world', rests: 'youtube' })
    expect(of('set-up')).to.deep.equal({ kind: 'returned', cause: 'x', blame: 'job', rests: 'set-up' })
  })

  it('lets a job wait ever longer, up to a quarter of an hour', () => {
    expect([1, 2, 3, 4, 5, 50].map(againSeconds)).to.deep.equal([30, 90, 270, 810, 900, 900])
  })
})

import { expect } from 'chai'
import { HttpError } from '#platform/http/errors.ts'
import type { Who } from '#services/ops/access.ts'
import { assertMeant, type Danger, previewFor } from '#services/ops/dangerous.ts'
import { issue, redeem } from '#services/ops/previews.ts'

const ada: Who = { name: 'ada', role: 'operator', key: 'ada’s session' }
const danger: Danger = { act: 'reset', target: 'notes', count: 12 }
const reason = 'a bug was mended'

const statusOf = (work: () => void): number => {
  try {
    work()
    return 200
  } catch (error) {
    if (error instanceof HttpError) return error.status
    throw error
  }
}

describe('a dangerous act', () => {
  it('is done once, by who was shown it, for a reason and with its name typed', () => {
    const token = previewFor(ada, danger)
    expect(statusOf(() => assertMeant(ada, danger, { token, reason, name: 'notes' }))).to.equal(200)
    expect(
      statusOf(() => assertMeant(ada, danger, { token, reason, name: 'notes' })),
      'again',
    ).to.equal(409)
  })

  it('is refused when the count has changed since, and for another act, target or person', () => {
    for (const [what, who, now] of [
      ['count', ada, { ...danger, count: 13 }],
      ['act', ada, { ...danger, act: 'rebuild' }],
      ['target', ada, { ...danger, target: 'videos' }],
      ['session', { ...ada, key: 'another session of ada' }, danger],
    ] as const)
      expect(
        statusOf(() => assertMeant(who, now, { token: previewFor(ada, danger), reason, name: now.target })),
        what,
      ).to.equal(409)
  })

  it('is refused when another name was typed, and may then be tried again', () => {
    const token = previewFor(ada, danger)
    for (const name of ['', 'note', 'Notes', 'notes '])
      expect(statusOf(() => assertMeant(ada, danger, { token, reason, name }))).to.equal(422)
    expect(statusOf(() => assertMeant(ada, danger, { token, reason, name: 'notes' }))).to.equal(200)
  })

  it('is refused with a token that is too old, made up or tampered with', () => {
    const at = 1_000_000
    const token = issue(danger, at)
    expect(statusOf(() => redeem(token, danger, at + 6 * 60_000))).to.equal(409)
    const [until, nonce, signature] = token.split('.')
    for (const made of [
      '',
      'x',
      '..',
      `${Number(until) + 1e9}.${nonce}.${signature}`,
      `${until}.x.${signature}`,
      `${until}.${nonce}.`,
    ])
      expect(
        statusOf(() => redeem(made, danger, at)),
        made,
      ).to.equal(409)
    expect(statusOf(() => redeem(token, danger, at))).to.equal(200)
  })
})

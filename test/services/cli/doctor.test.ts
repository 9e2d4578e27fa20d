import { expect } from 'chai'
import { type Check, examine, type Finding, isWell, ok } from '#services/cli/doctor/check.ts'
import { report } from '#services/cli/doctor.ts'

const check = (name: string, isNeeded: boolean, look: Check['look']): Check => ({ name, isNeeded, cost: `no ${name}`, look })
const found = (state: Finding['state'], more: Partial<Finding> = {}) => ({ state, detail: 'x', ...more })

describe('the doctor', () => {
  it('is not kept by one check that hangs, or fails, from telling about the others', async () => {
    let signal: AbortSignal | undefined
    const checked = await examine(
      [
        check('hangs', true, (given) => {
          signal = given
          return new Promise<Finding>(() => {})
        }),
        check('throws', false, () => {
          throw new Error('it broke')
        }),
        check('rejects', false, () => Promise.reject(Object.assign(new Error(), { code: 'ECONNREFUSED' }))),
        check('works', true, () => ok('fine')),
      ],
      20,
    )
    expect(checked.map(({ name, state, detail, cost }) => [name, state, detail, cost])).to.deep.equal([
      ['hangs', 'failed', 'did not answer within 0.02 s', 'no hangs'],
      ['throws', 'failed', 'it broke', 'no throws'],
      ['rejects', 'failed', 'ECONNREFUSED', 'no rejects'],
      ['works', 'ok', 'fine', undefined],
    ])
    expect(signal?.aborted, 'who hangs is told to end').to.equal(true)
  })

  it('is content when all that is needed is there, whatever else is missing', () => {
    const of = (isNeeded: boolean, state: Finding['state']) => ({ name: 'x', isNeeded, ...found(state) })
    expect(isWell([of(true, 'ok'), of(true, 'warning'), of(false, 'missing'), of(false, 'failed')])).to.equal(true)
    for (const state of ['missing', 'failed'] as const) expect(isWell([of(false, 'ok'), of(true, state)])).to.equal(false)
  })

  it('says what each thing that is missing costs and what to do, the needed first', () => {
    const text = report([
      { name: 'tea', isNeeded: false, ...found('missing', { cost: 'nobody wakes up', remedy: 'buy some' }) },
      { name: 'house', isNeeded: true, ...found('failed', { cost: 'it rains in' }) },
      { name: 'bed', isNeeded: true, ...found('ok') },
    ])
    expect(text.split('\n').slice(4)).to.deep.equal([
      '',
      'house (needed): it rains in',
      'tea: nobody wakes up',
      '  → buy some',
      '',
      'Something that is needed is missing.',
    ])
  })
})

import { expect } from 'chai'
import { STATES } from '#platform/log/consumers/state.ts'
import { openMetrics } from '#platform/telemetry/metrics.ts'
import type { ConsumerLook, Look } from '#services/operations/look.ts'
import { lookMetrics } from '#services/ops/look-metrics.ts'

const AT = 1_800_000_000_000

const consumer = (over: Partial<ConsumerLook>): ConsumerLook => ({
  consumer: 'notes',
  topic: 'vidwiz.notes',
  kind: 'view',
  service: 'projector',
  isLeftOut: false,
  partitions: [{ partition: 0, pos: 7, head: 9, events: 2, total: 6, movedAt: AT - 3_000 }],
  parked: { streams: 2, events: 3, oldestAt: AT - 60_000 },
  owner: { id: 'x', service: 'projector', host: 'here', pid: 1, beatAt: AT - 1_500, isAlive: true },
  history: [],
  state: 'PARKED',
  why: '',
  events: 2,
  seconds: 1,
  trend: null,
  rate: null,
  etaSeconds: null,
  ...over,
})

const look = (consumers: Look['consumers']): Look => ({
  at: AT,
  verdict: '',
  isWell: true,
  log: 'embedded',
  head: 9,
  consumers,
  queues: { value: [] },
  breaker: { value: { state: 'closed' } },
  tasks: { value: [] },
  requests: { value: [] },
  replays: {
    value: [
      {
        id: 'r',
        act: 'rebuild',
        view: 'notes',
        phase: 'read',
        events: 10,
        total: 40,
        rate: 1,
        etaSeconds: 1,
        pace: 1,
        startedAt: 0,
        beatAt: 0,
      },
    ],
  },
})

async function read(seen: Look): Promise<string[]> {
  const metrics = openMetrics()
  const db = { query: async () => [{ act: 'redrive', outcome: 'done', actions: 3 }] as never }
  lookMetrics(metrics, async () => seen, { db })
  return (await metrics.read()).split('\n').filter((line) => line.startsWith('vidwiz_'))
}

describe('the figures of the look', () => {
  it('say of each consumer what the page says', async () => {
    const lines = await read(look({ value: [consumer({})] }))
    const labels = '{consumer="notes",topic="vidwiz.notes"}'
    expect(lines).to.include.members([
      'vidwiz_consumer_state{consumer="notes",topic="vidwiz.notes",state="PARKED"} 1',
      'vidwiz_consumer_state{consumer="notes",topic="vidwiz.notes",state="OK"} 0',
      `vidwiz_consumer_expected${labels} 1`,
      `vidwiz_consumer_last_progress_seconds${labels} 3`,
      `vidwiz_consumer_parked_streams${labels} 2`,
      `vidwiz_consumer_parked_oldest_seconds${labels} 60`,
      `vidwiz_consumer_applied_total${labels} 4`,
      'vidwiz_owner_heartbeat_age_seconds{consumer="notes"} 1.5',
      'vidwiz_log_head{topic="vidwiz.notes"} 9',
      'vidwiz_replay_events_done{view="notes",act="rebuild"} 10',
      'vidwiz_replay_events_total{view="notes",act="rebuild"} 40',
      'vidwiz_operator_actions_total{act="redrive",outcome="done"} 3',
    ])
    expect(lines.filter((line) => line.startsWith('vidwiz_consumer_state'))).to.have.length(STATES.length)
  })

  it('are missing for what never ran, is not known or is not meant to run: never a nought, never NaN', async () => {
    const never = consumer({ consumer: 'summaries', owner: null, state: 'GONE' })
    const dark = { ...never.partitions[0]!, movedAt: null, events: undefined, total: undefined, problem: 'away' }
    const away = consumer({ consumer: 'ai-notes', isLeftOut: true })
    const lines = await read(look({ value: [{ ...never, partitions: [dark] }, away] }))
    const named = (name: string) => lines.filter((line) => line.startsWith(name))
    for (const name of ['vidwiz_consumer_last_progress', 'vidwiz_consumer_applied', 'vidwiz_owner_heartbeat', 'vidwiz_log_head'])
      expect(named(name), name).to.deep.equal([])
    expect(named('vidwiz_consumer_expected')).to.deep.equal([
      'vidwiz_consumer_expected{consumer="summaries",topic="vidwiz.notes"} 1',
    ])
    expect(lines.join()).to.not.contain('NaN')
    expect((await read(look({ problem: 'the database is away' }))).join()).to.not.contain('vidwiz_consumer_state{')
  })
})

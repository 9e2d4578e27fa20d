import { askAgain, MAX_TRIES, type RequestKind } from '#events/ai.ts'
import { now } from '#platform/clock.ts'
import { joined } from '#platform/joined.ts'
import { type Due, startSweeper } from '#platform/log/reactor/sweeper.ts'
import type { Running } from '#platform/service.ts'
import { askedOf, openRequests, unanswered } from '#projections/ai-requests.ts'
import { type Ground, type Reacting, runReactor } from './reactor-service.ts'

/** Requests to repeat in one sweep. */
const MOST = 200
const SWEEP_MS_MAX = 15_000

/**
 * Runs a reactor that sends requests to models, and a sweeper that repeats requests without an answer and finally gives them
 * up.
 */
export const runAsking = (
  kind: RequestKind,
  { log, metrics }: Pick<Ground, 'log' | 'metrics'>,
  { name, make }: { name: string; make(ground: Ground): Pick<Reacting, 'reactor' | 'stopping'> & { close?(): void } },
): Promise<Running> =>
  runReactor(name, { log, metrics }, (ground): Reacting => {
    const { db, execute, settings } = ground
    const { reactor, stopping, close } = make(ground)
    const answerMs = settings.AI_ANSWER_MINUTES * 60_000
    const policy = { answerMs, maxTries: MAX_TRIES }
    // Both metrics share one query.
    const open = joined(() => openRequests(db, kind))
    metrics.gauge(
      { name: 'vidwiz_ai_requests', help: 'Requests to models that have not ended', labels: ['kind', 'status'] },
      async () => (await open()).map(({ status, requests }) => ({ labels: { kind, status }, value: requests })),
    )
    metrics.gauge(
      {
        name: 'vidwiz_ai_request_age_seconds',
        help: 'Time since the oldest of them changed',
        labels: ['kind', 'status'],
      },
      async () =>
        (await open()).map(({ status, since }) => ({
          labels: { kind, status },
          value: Math.max(0, (now() - since) / 1_000),
        })),
    )
    const sweeper = startSweeper({
      execute,
      everyMs: Math.min(SWEEP_MS_MAX, answerMs / 4),
      async due() {
        const late = await unanswered(db, kind, now() - answerMs, MOST)
        if (late.length > 0) log.warn({ requests: late.map(({ request }) => request) }, 'no answer came in time')
        return late.map((row): Due => {
          const { correlation_id: correlationId, event_id: causationId } = row
          return { command: askAgain({ ...askedOf(row), policy }), context: { actor: name, correlationId, causationId } }
        })
      },
      onError: (error) => log.warn({ error }, 'cannot look for questions without an answer'),
    })
    return {
      reactor,
      ...(stopping && { stopping }),
      async stop() {
        await sweeper.stop()
        close?.()
      },
    }
  })

import { service } from '#platform/service.ts'
import { stopping } from '#platform/stopping.ts'
import { showUpTo } from '#projections/engine/up-to.ts'
import { openWaiter } from '#projections/engine/wait.ts'
import { views } from '#projections/index.ts'
import { runAsking } from '../kit/asking.ts'
import { looks } from './looks.ts'
import { aiNotes } from './reactor.ts'

const name = 'ai-notes'

export default service(name, (log, _, metrics) =>
  runAsking(
    'note',
    { log, metrics },
    {
      name,
      make({ db, listener, settings }) {
        const waiter = openWaiter(db, listener, views)
        const { signal, stop } = stopping()
        const reactor = aiNotes(looks(db, showUpTo(db, waiter, signal), settings.AI_NOTES_BACKFILL))
        return { reactor, stopping: stop, close: waiter.close }
      },
    },
  ),
)

import { helpersRoutes } from './helpers.ts'
import { lookRoutes } from './look.ts'
import { operationsRoutes } from './operations.ts'
import { pageRoutes } from './page.ts'
import { parkedRoutes } from './parked.ts'
import { pastRoutes } from './past.ts'
import { queuesRoutes } from './queues.ts'
import { relieveRoutes } from './relieve.ts'
import { replayRoutes } from './replay.ts'
import { requestsRoutes } from './requests.ts'
import { resetRoutes } from './reset.ts'
import { revealRoutes } from './reveal.ts'
import { sessionRoutes } from './session.ts'
import { storyRoutes } from './story.ts'
import { topicsRoutes } from './topics.ts'

/** All routes. Add each new file of routes here. */
export const routes = [
  ...pageRoutes,
  ...sessionRoutes,
  ...lookRoutes,
  ...operationsRoutes,
  ...revealRoutes,
  ...queuesRoutes,
  ...requestsRoutes,
  ...helpersRoutes,
  ...parkedRoutes,
  ...relieveRoutes,
  ...replayRoutes,
  ...pastRoutes,
  ...resetRoutes,
  ...storyRoutes,
  ...topicsRoutes,
]

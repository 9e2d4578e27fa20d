import { authRoutes } from './auth.ts'
import { conversationRoutes } from './conversations.ts'
import { healthRoutes } from './health.ts'
import { internalRoutes } from './internal.ts'
import { mediaRoutes } from './media.ts'
import { metricsRoutes } from './metrics.ts'
import { noteRoutes } from './notes.ts'
import { readinessRoutes } from './readiness.ts'
import { studyRoutes } from './study.ts'
import { taskRoutes } from './tasks.ts'
import { userRoutes } from './users.ts'
import { videoRoutes } from './videos.ts'

/** All routes, by the section of the API's description; those asked for most come first, as they are looked through in this order. */
export const sections = {
  Notes: noteRoutes,
  Videos: [...videoRoutes, ...readinessRoutes, ...studyRoutes],
  Conversations: conversationRoutes,
  Users: userRoutes,
  Auth: authRoutes,
  Internal: [...internalRoutes, ...taskRoutes, ...mediaRoutes],
  Operations: [...healthRoutes, ...metricsRoutes],
}

export const routes = Object.values(sections).flat()

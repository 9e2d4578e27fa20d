import { authRoutes } from './auth.ts'
import { conversationRoutes } from './conversations.ts'
import { healthRoutes } from './health.ts'
import { internalRoutes } from './internal.ts'
import { mediaRoutes } from './media.ts'
import { metricsRoutes } from './metrics.ts'
import { noteRoutes } from './notes.ts'
import { paymentRoutes } from './payments.ts'
import { readinessRoutes } from './readiness.ts'
import { studyRoutes } from './study.ts'
import { taskRoutes } from './tasks.ts'
import { userRoutes } from './users.ts'
import { videoRoutes } from './videos.ts'

/** All routes, by section of the API's description. The most used come first, because routes are matched in this order. */
export const sections = {
  Notes: noteRoutes,
  Videos: [...videoRoutes, ...readinessRoutes, ...studyRoutes],
  Conversations: conversationRoutes,
  Users: userRoutes,
  Auth: authRoutes,
  Payments: paymentRoutes,
  Internal: [...internalRoutes, ...taskRoutes, ...mediaRoutes],
  Operations: [...healthRoutes, ...metricsRoutes],
}

export const routes = Object.values(sections).flat()

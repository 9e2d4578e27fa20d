import { authRoutes } from './auth.ts'
import { healthRoutes } from './health.ts'
import { noteRoutes } from './notes.ts'
import { userRoutes } from './users.ts'
import { videoRoutes } from './videos.ts'

/** All routes; those asked for most come first, as they are looked through in this order. */
export const routes = [...noteRoutes, ...videoRoutes, ...userRoutes, ...authRoutes, ...healthRoutes]

import { notesView } from './notes.ts'
import { userVideosView } from './user-videos.ts'
import { usersView } from './users.ts'
import { videosView } from './videos.ts'

/** Every view there is. A new one is added here. */
export const views = [usersView, videosView, notesView, userVideosView] as const

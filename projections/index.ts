import { aiRequestsView } from './ai-requests.ts'
import { conversationsView } from './conversations.ts'
import { mediaView } from './media.ts'
import { messagesView } from './messages.ts'
import { notesView } from './notes.ts'
import { openRepliesView } from './open-replies.ts'
import { operationsView } from './operations.ts'
import { tasksView } from './tasks.ts'
import { userVideosView } from './user-videos.ts'
import { usersView } from './users.ts'
import { videosView } from './videos.ts'

/** Every view. Add new views here. */
export const views = [
  usersView,
  videosView,
  notesView,
  userVideosView,
  conversationsView,
  messagesView,
  openRepliesView,
  tasksView,
  aiRequestsView,
  mediaView,
  operationsView,
] as const

export type ViewName = (typeof views)[number]['name']

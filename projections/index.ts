import { aiRequestsView } from './ai-requests.ts'
import { conversationsView } from './conversations.ts'
import { mediaView } from './media.ts'
import { messagesView } from './messages.ts'
import { notesView } from './notes.ts'
import { openRepliesView } from './open-replies.ts'
import { tasksView } from './tasks.ts'
import { userVideosView } from './user-videos.ts'
import { usersView } from './users.ts'
import { videosView } from './videos.ts'

/** Every view there is. A new one is added here. */
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
] as const

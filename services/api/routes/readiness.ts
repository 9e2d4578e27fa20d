import { z } from 'zod'
import { EventStream, eventStreamLike } from '#platform/http/stream.ts'
import { nameOf, viewer } from '../auth/guards.ts'
import { notFound } from '../errors.ts'
import { route } from '../route.ts'
import { videoIdField } from '../video-id.ts'

export const readinessRoutes = [
  route(
    'GET',
    '/v2/videos/:video_id/stream',
    {
      summary: 'Be told as a video gets its metadata, transcript and summary',
      reads: ['user-videos', 'conversations', 'videos'],
      auth: viewer,
      params: z.object({ video_id: videoIdField }),
      answers: { 200: eventStreamLike('event: snapshot\ndata: {"event": "snapshot", "video": {"id": 42, …}}\n\n') },
      refuses: { 404: 'Nobody has mentioned the video, or you have neither a note nor a conversation on it' },
    },
    async ({ user, params: { video_id: videoId }, app: { readiness } }) => {
      const userId = user.kind === 'user' ? user.id : null
      if (!(await readiness.mayWatch({ userId, viewer: nameOf(user), videoId }))) throw notFound('Video not found')
      return new EventStream((out) => readiness.tell(videoId, out))
    },
  ),
]

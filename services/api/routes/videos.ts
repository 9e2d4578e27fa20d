import { z } from 'zod'
import { integer, text } from '#platform/http/fields.ts'
import { JsonText } from '#platform/http/json.ts'
import { codePoints, strip } from '#platform/http/text.ts'
import { videosOf } from '#projections/user-videos.ts'
import { videoById } from '#projections/videos.ts'
import { user } from '../auth/guards.ts'
import { badRequest, notFound } from '../errors.ts'
import { route } from '../route.ts'
import { videoIdField } from '../video-id.ts'
import { Metadata, VideoRead, videoRead } from '../video-read.ts'

const VideoPage = z
  .object({
    videos: z.array(z.object({ video_id: z.string(), title: z.string().nullable(), metadata: Metadata })),
    total: z.int(),
    page: z.int(),
    per_page: z.int(),
    total_pages: z.int(),
  })
  .meta({ id: 'VideoPage' })

const SORTS = ['created_at_desc', 'created_at_asc', 'title_asc', 'title_desc'] as const
type Sort = (typeof SORTS)[number]
const isSort = (sort: string): sort is Sort => (SORTS as readonly string[]).includes(sort)

const VideoQuery = z.object({
  q: text().transform(strip).default(''),
  page: integer({ min: 1 }).default(1),
  per_page: integer({ min: 1, max: 50 }).default(10),
  sort: z.string().default('created_at_desc').meta({ enum: SORTS }),
})

export const videoRoutes = [
  route(
    'GET',
    '/v2/videos',
    {
      summary: 'List the videos on which you have notes',
      reads: ['user-videos', 'videos'],
      auth: user,
      query: VideoQuery,
      answers: { 200: VideoPage },
      precheck: ({ sort }) => {
        if (!isSort(sort)) throw badRequest('Invalid sort parameter')
      },
    },
    async ({ user, query, db }) => {
      const { page, per_page: perPage } = query
      const q = codePoints(query.q.normalize('NFC')) < 2 ? '' : query.q
      const offset = Math.min((page - 1) * perPage, Number.MAX_SAFE_INTEGER)
      const { total, videos } = await videosOf(db, { userId: user.id, q, sort: query.sort as Sort, limit: perPage, offset })
      const list = videos.map((v) => `{"video_id":${json(v.video_id)},"title":${json(v.title)},"metadata":${v.metadata}}`)
      const rest = { total, page, per_page: perPage, total_pages: Math.ceil(total / perPage) }
      return new JsonText(`{"videos":[${list}],${json(rest).slice(1)}`)
    },
  ),

  route(
    'GET',
    '/v2/videos/:video_id',
    {
      summary: 'Read a video',
      reads: ['videos'],
      auth: user,
      params: z.object({ video_id: videoIdField }),
      answers: { 200: VideoRead },
      refuses: { 404: 'Nobody has taken a note on it' },
    },
    async ({ params, db }) => {
      const video = await videoById(db, params.video_id)
      if (!video) throw notFound('Video not found')
      return videoRead(video)
    },
  ),
]

const json = JSON.stringify

import { service } from '#platform/service.ts'
import { helper } from '../kit/helper.ts'
import { metadataOf } from './fields.ts'

export default service(
  'metadata-helper',
  helper({
    name: 'metadata',
    async fetch(video) {
      const metadata = metadataOf(video.videoId, (await video.info()).info)
      return { result: { metadata }, told: { title: metadata.title } }
    },
  }),
)

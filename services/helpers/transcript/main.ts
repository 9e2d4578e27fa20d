import { service } from '#platform/service.ts'
import { helper } from '../kit/helper.ts'
import { fetchTranscript } from './fetch.ts'

export default service('transcript-helper', helper({ name: 'transcript', fetch: fetchTranscript }))

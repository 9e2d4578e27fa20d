import { readAiSummaryEnvironment } from '../kit/environment.ts'
import { openAiSummary } from './ai-summary.ts'

/** What AWS calls with a batch of the summary queue. */
export const handler = await openAiSummary(readAiSummaryEnvironment(process.env))

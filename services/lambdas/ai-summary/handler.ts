import { readAiSummaryEnvironment } from '../kit/environment.ts'
import { openAiSummary } from './ai-summary.ts'

/** Called by AWS with a batch of the summary queue. */
export const handler = await openAiSummary(readAiSummaryEnvironment(process.env))

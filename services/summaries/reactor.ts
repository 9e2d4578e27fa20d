import { askForSummary, settleSummary } from '#events/ai.ts'
import { SummaryStored, TranscriptStored } from '#events/video.ts'
import { on, type Reactor, reactor } from '#platform/log/reactor/reactor.ts'

/**
 * Asks a model for the summary of a video when its transcript arrives and there is no summary.
 * @param from transcripts stored before this moment are ignored, in milliseconds since the epoch
 */
export const summaries = (from?: number): Reactor =>
  reactor('summaries', [
    on(TranscriptStored, ({ data }) => [askForSummary({ ...data, from })]),
    on(SummaryStored, ({ data }) => [settleSummary(data)]),
  ])

import { askForSummary, settleSummary } from '#events/ai.ts'
import { SummaryStored, TranscriptStored } from '#events/video.ts'
import { on, type Reactor, reactor } from '#platform/log/reactor/reactor.ts'

/** Asks a model for the summary of a video when its transcript arrives and there is none. */
export const summaries = (): Reactor =>
  reactor('summaries', [
    on(TranscriptStored, ({ data }) => [askForSummary(data)]),
    on(SummaryStored, ({ data }) => [settleSummary(data)]),
  ])

import { expect } from 'chai'
import {
  askAgain,
  askForNote,
  askForSummary,
  findUnsent,
  isUsable,
  recordDispatch,
  redriveRequest,
  secondsOf,
  settleNote,
  settleSummary,
} from '#events/ai.ts'
import type { NewEvent } from '#events/kit/envelope.ts'
import { given } from '#test/kit/given.ts'
import {
  aiNoteAwaited,
  aiNoteRequested,
  jobAnswered,
  jobDispatched,
  jobGivenUp,
  jobWithdrawn,
  noteCreated,
  noteDeleted,
  noteEdited,
  noteWrittenByAi,
  profileUpdated,
  summaryRequested,
  summaryStored,
  transcriptStored,
  userRegistered,
  VIDEO,
  videoAdded,
} from '#test/kit/histories.ts'
import { BEGINNING } from '#test/kit/world.ts'

const ask = askForNote({ noteId: 1, userId: 1, videoId: VIDEO })
const on = profileUpdated({ aiNotes: true })
const off = profileUpdated({ aiNotes: false })
const empty = noteCreated({ text: null, timestamp: '1:23' })
const known = [userRegistered(), videoAdded()]
const asked = { request: 'note-1', videoId: VIDEO, noteId: 1 }
const summary = { request: `summary-${VIDEO}`, videoId: VIDEO }

describe('asking a model for a note', () => {
  const orders: Record<string, NewEvent[]> = {
    'note, switch, transcript': [empty, on, transcriptStored()],
    'note, transcript, switch': [empty, transcriptStored(), on],
    'switch, note, transcript': [on, empty, transcriptStored()],
    'switch, transcript, note': [on, transcriptStored(), empty],
    'transcript, switch, note': [transcriptStored(), on, empty],
    'transcript, note, switch': [transcriptStored(), empty, on],
  }
  for (const [order, events] of Object.entries(orders)) {
    const isLate = order.endsWith('switch')
    it(`${isLate ? 'is not done when the switch comes last' : 'is done'}: ${order}`, () => {
      const outcome = given(...known, ...events).when(ask)
      isLate ? outcome.thenNothing() : outcome.then(aiNoteRequested())
    })
  }

  it('is done for a switch that comes last when it is a backfill', () =>
    given(...known, empty, transcriptStored(), on)
      .when(askForNote({ noteId: 1, userId: 1, videoId: VIDEO, backfill: true }))
      .then(aiNoteRequested({ backfill: true })))

  it('is not done because of another person’s switch, or another video’s transcript', () => {
    for (const other of [{ userId: 2 }, { videoId: 'another-vid' }])
      given(...known, userRegistered({ userId: 2 }), profileUpdated({ userId: 2, aiNotes: true }), on, transcriptStored(), empty)
        .when(askForNote({ noteId: 1, userId: 1, videoId: VIDEO, ...other }))
        .thenNothing()
  })

  it('counts the first transcript with something in it, not one that takes its place', () => {
    given(...known, empty, transcriptStored(), on, transcriptStored({ sha256: 'another' }))
      .when(ask)
      .thenNothing()
    given(...known, empty, transcriptStored({ rows: 0 }), on, transcriptStored())
      .when(ask)
      .then(aiNoteRequested())
  })

  it('waits for the transcript', () => {
    given(...known, on, empty)
      .when(ask)
      .then(aiNoteAwaited())
    given(...known, on, empty, aiNoteAwaited())
      .when(ask)
      .thenNothing()
    given(...known, on, empty, aiNoteAwaited(), transcriptStored({ rows: 0 }))
      .when(ask)
      .thenNothing()
    given(...known, on, empty, aiNoteAwaited(), transcriptStored())
      .when(ask)
      .then(aiNoteRequested())
  })

  it('is done once', () => {
    const before = [...known, on, empty, transcriptStored(), aiNoteRequested()]
    given(...before)
      .when(ask)
      .thenNothing()
    given(...before, jobDispatched())
      .when(ask)
      .thenNothing()
    given(...before, jobDispatched(), jobGivenUp())
      .when(ask)
      .thenNothing()
    given(...before, jobDispatched(), noteWrittenByAi(), jobAnswered(), noteEdited({ text: '' }))
      .when(ask)
      .thenNothing()
  })

  it('is not done for notes that are written, deleted or not there', () => {
    given(...known, on, transcriptStored(), noteCreated({ text: 'mine' }))
      .when(ask)
      .thenNothing()
    given(...known, on, transcriptStored(), empty, noteEdited({ text: 'mine' }))
      .when(ask)
      .thenNothing()
    given(...known, on, transcriptStored(), empty, noteDeleted())
      .when(ask)
      .thenNothing()
    given(...known, on, transcriptStored())
      .when(ask)
      .thenNothing()
  })

  it('is not done without the author’s wish, and ends when that is gone once there is a transcript', () => {
    given(...known, empty)
      .when(ask)
      .thenNothing()
    given(...known, on, off, empty)
      .when(ask)
      .thenNothing()
    given(...known, on, empty, aiNoteAwaited(), off)
      .when(ask)
      .thenNothing()
    given(...known, on, empty, aiNoteAwaited(), off, transcriptStored())
      .when(ask)
      .then(jobWithdrawn({ cause: 'its author does not want notes by AI' }))
  })

  it('is not done for what was complete before a moment, unless it is a backfill', () => {
    // A second passes with each event: the transcript comes as the fifth.
    const before = [...known, on, empty, transcriptStored()]
    const from = (seconds: number, backfill = false) =>
      askForNote({ noteId: 1, userId: 1, videoId: VIDEO, from: BEGINNING + seconds * 1_000, backfill })
    given(...before)
      .when(from(4))
      .then(aiNoteRequested())
    given(...before)
      .when(from(5))
      .thenNothing()
    given(...before)
      .when(from(5, true))
      .then(aiNoteRequested({ backfill: true }))
    given(videoAdded(), transcriptStored())
      .when(askForSummary({ videoId: VIDEO, from: BEGINNING + 1_000 }))
      .then(summaryRequested())
    given(videoAdded(), transcriptStored())
      .when(askForSummary({ videoId: VIDEO, from: BEGINNING + 1_001 }))
      .thenNothing()
  })

  it('is not done for a timestamp at which nothing can be said', () => {
    given(...known, on, transcriptStored(), noteCreated({ text: null, timestamp: 'a:b12' }))
      .when(ask)
      .thenNothing()
    const short = transcriptStored({ endSeconds: 60 })
    given(...known, on, noteCreated({ text: null, timestamp: '1:15' }), short)
      .when(ask)
      .then(aiNoteRequested({ timestamp: '1:15' }))
    given(...known, on, noteCreated({ text: null, timestamp: '1:16' }), aiNoteAwaited({ timestamp: '1:16' }), short)
      .when(ask)
      .then(jobWithdrawn({ cause: 'nothing is said at its timestamp' }))
  })
})

describe('a timestamp', () => {
  const cases: [string, number | undefined][] = [
    ['0:00', 0],
    ['1:23', 83],
    ['01:02:03', 3723],
    ['90:05', 5405],
    [' 1:23 ', 83],
    ['1:2', 62],
    ['1:60', undefined],
    ['1:60:00', undefined],
    ['1:23:45:67', undefined],
    ['12', undefined],
    ['-1:23', undefined],
    ['1:23.5', undefined],
    ['١:٢٣', undefined],
    [`${' '.repeat(40)}1:23`, undefined],
  ]
  for (const [timestamp, seconds] of cases)
    it(`${timestamp} is ${seconds ?? 'of no use'}`, () => {
      expect(secondsOf(timestamp)).to.equal(seconds)
      expect(isUsable(timestamp, undefined)).to.equal(seconds !== undefined)
    })
})

describe('asking a model for a summary', () => {
  const wish = askForSummary({ videoId: VIDEO })
  it('is done when there is a transcript and no summary', () => {
    given(videoAdded(), transcriptStored()).when(wish).then(summaryRequested())
    given(videoAdded()).when(wish).thenNothing()
    given(videoAdded(), transcriptStored({ rows: 0 }))
      .when(wish)
      .thenNothing()
    given(videoAdded(), transcriptStored(), summaryStored()).when(wish).thenNothing()
  })

  it('is done once: also one that was given up is asked for again only when somebody says so', () => {
    given(videoAdded(), transcriptStored(), summaryRequested()).when(wish).thenNothing()
    given(videoAdded(), transcriptStored(), summaryRequested(), jobDispatched(summary)).when(wish).thenNothing()
    given(videoAdded(), transcriptStored(), summaryRequested(), jobDispatched(summary), jobGivenUp(summary))
      .when(wish)
      .thenNothing()
    given(videoAdded(), transcriptStored(), summaryRequested(), jobDispatched(summary), jobGivenUp(summary))
      .when(redriveRequest(summary))
      .then(summaryRequested({ attempt: 2 }))
  })

  it('is answered by the summary, whoever wrote it', () => {
    given(videoAdded(), transcriptStored(), summaryRequested(), summaryStored())
      .when(settleSummary({ videoId: VIDEO }))
      .then(jobAnswered(summary))
    given(videoAdded(), summaryStored())
      .when(settleSummary({ videoId: VIDEO }))
      .thenNothing()
  })
})

describe('the end of a request for a note', () => {
  const settle = settleNote({ noteId: 1, videoId: VIDEO })
  const before = [...known, on, empty, transcriptStored(), aiNoteRequested(), jobDispatched()]
  it('is the text of the model, however late', () => {
    given(...before, noteWrittenByAi())
      .when(settle)
      .then(jobAnswered())
    given(...before, jobGivenUp(), noteWrittenByAi())
      .when(settle)
      .then(jobAnswered())
    given(...before, noteWrittenByAi(), jobAnswered())
      .when(settle)
      .thenNothing()
  })

  it('is that nobody needs it any more', () => {
    given(...before, noteEdited({ text: 'mine' }))
      .when(settle)
      .then(jobWithdrawn({ cause: 'its author wrote the note' }))
    given(...before, noteDeleted())
      .when(settle)
      .then(jobWithdrawn())
    given(...known, on, empty, aiNoteAwaited(), noteDeleted())
      .when(settle)
      .then(jobWithdrawn())
  })

  it('is no answer where nothing was asked yet: a worker may write a note that waits for its transcript', () =>
    given(...known, on, empty, aiNoteAwaited(), noteWrittenByAi())
      .when(settle)
      .then(jobWithdrawn({ cause: 'a worker wrote the note before it was asked' })))

  it('comes also after it was given up', () => {
    given(...before, jobGivenUp(), noteEdited({ text: 'mine' }))
      .when(settle)
      .then(jobWithdrawn({ cause: 'its author wrote the note' }))
    given(...before, jobGivenUp(), noteDeleted())
      .when(settle)
      .then(jobWithdrawn({ cause: 'the note was deleted' }))
    given(...before, jobGivenUp(), noteDeleted(), jobWithdrawn())
      .when(settle)
      .thenNothing()
  })

  it('is not an edit that leaves it empty', () =>
    given(...before, noteEdited({ generatedByAi: true }))
      .when(settle)
      .thenNothing())
  it('does not come for notes that nobody asked for', () => {
    given(...known, empty, noteDeleted())
      .when(settle)
      .thenNothing()
    given(...known, empty, noteWrittenByAi())
      .when(settle)
      .thenNothing()
  })
})

describe('a question', () => {
  const before = [...known, on, empty, transcriptStored(), aiNoteRequested()]
  const unsent = findUnsent({ ...asked, attempt: 1 })
  it('is to be sent until it is, and as long as somebody needs the answer', () => {
    given(...before)
      .when(unsent)
      .thenNothing()
      .answering({ isUnsent: true })
    given(...before, jobDispatched())
      .when(unsent)
      .thenNothing()
      .answering({ isUnsent: false })
    given(...before, jobDispatched(), aiNoteRequested({ attempt: 2 }))
      .when(unsent)
      .thenNothing()
      .answering({ isUnsent: false })
    given(...before, noteEdited({ text: 'mine' }))
      .when(unsent)
      .thenNothing()
      .answering({ isUnsent: false })
    given(...before, noteDeleted())
      .when(unsent)
      .thenNothing()
      .answering({ isUnsent: false })
    given(videoAdded(), transcriptStored(), summaryRequested())
      .when(findUnsent({ ...summary, attempt: 1 }))
      .thenNothing()
      .answering({ isUnsent: true })
    given(videoAdded(), transcriptStored(), summaryRequested(), summaryStored())
      .when(findUnsent({ ...summary, attempt: 1 }))
      .thenNothing()
      .answering({ isUnsent: false })
  })

  it('is recorded as sent once', () => {
    const sent = recordDispatch({ request: 'note-1', videoId: VIDEO, attempt: 1, messageId: 'm-1' })
    given(...before)
      .when(sent)
      .then(jobDispatched())
    given(...before, jobDispatched())
      .when(sent)
      .thenNothing()
    given(...before, jobDispatched(), aiNoteRequested({ attempt: 2 }))
      .when(sent)
      .thenNothing()
  })
})

describe('a question without an answer', () => {
  // A second passes with each event.
  const again = (answerMs: number) => askAgain({ ...asked, policy: { answerMs, maxTries: 3 } })
  const before = [...known, on, empty, transcriptStored(), aiNoteRequested(), jobDispatched()]
  const second = [...before, aiNoteRequested({ attempt: 2 }), jobDispatched({ attempt: 2 })]
  const third = [...second, aiNoteRequested({ attempt: 3 }), jobDispatched({ attempt: 3 })]

  it('is asked again when its time is over, not before', () => {
    given(...before)
      .when(again(1_001))
      .thenNothing()
    given(...before)
      .when(again(1_000))
      .then(aiNoteRequested({ attempt: 2 }))
    given(...before.slice(0, -1))
      .when(again(0))
      .thenNothing()
  })

  it('is asked three times in all, then given up', () => {
    given(...second)
      .when(again(0))
      .then(aiNoteRequested({ attempt: 3 }))
    given(...third)
      .when(again(0))
      .then(jobGivenUp())
    given(...third, jobGivenUp())
      .when(again(0))
      .thenNothing()
  })

  it('is not asked again nor given up when the answer is there, though nobody has taken it in yet: that ends it', () => {
    for (const asked of [before, third]) {
      const attempt = asked === third ? 3 : 1
      given(...asked, noteDeleted())
        .when(again(0))
        .then(jobWithdrawn({ cause: 'the note was deleted' }))
      given(...asked, noteEdited({ text: 'mine' }))
        .when(again(0))
        .then(jobWithdrawn({ cause: 'its author wrote the note' }))
      given(...asked, noteWrittenByAi())
        .when(again(0))
        .then(jobAnswered({ attempt }))
    }
    given(videoAdded(), transcriptStored(), summaryRequested(), jobDispatched(summary), summaryStored())
      .when(askAgain({ ...summary, policy: { answerMs: 0, maxTries: 3 } }))
      .then(jobAnswered(summary))
    given(...before, noteWrittenByAi(), jobAnswered())
      .when(again(0))
      .thenNothing()
  })

  it('is not asked again when its author does not want notes by AI any more', () =>
    given(...before, off)
      .when(askAgain({ ...asked, userId: 1, policy: { answerMs: 0, maxTries: 3 } }))
      .then(jobWithdrawn({ cause: 'its author does not want notes by AI' })))

  it('is asked three times again when somebody says so', () => {
    const redriven = [...third, jobGivenUp()]
    given(...redriven)
      .when(redriveRequest(asked))
      .then(aiNoteRequested({ attempt: 4 }))
    given(...redriven, aiNoteRequested({ attempt: 4 }), jobDispatched({ attempt: 4 }))
      .when(again(0))
      .then(aiNoteRequested({ attempt: 5 }))
    given(...third)
      .when(redriveRequest(asked))
      .thenRejected('CONFLICT', 'note-1 is not given up')
    given(...redriven, noteEdited({ text: 'mine' }))
      .when(redriveRequest(asked))
      .thenRejected('CONFLICT', 'note-1 needs no answer any more')
  })
})

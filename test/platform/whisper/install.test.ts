import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { OLDEST_PYTHON } from '#platform/python/find.ts'
import { PINNED_WHISPER } from '#platform/whisper/install.ts'

const folders = ['../../../platform/whisper/project', '../../services/gpu-worker/python'].map((name) =>
  join(import.meta.dirname, name),
)
const [ours, tests] = folders as [string, string]
const read = (folder: string, name: string) => readFileSync(join(folder, name), 'utf8')
/** What a lock pins, as `name==1.2.3`. */
const pinned = (folder: string, name: string) => read(folder, name).match(/^[\w.-]+==[\w.]+/gm)!

describe('the locks of what hears', () => {
  it('are what their projects say', () => {
    expect(read(ours, 'pyproject.toml'))
      .to.contain(`"faster-whisper==${PINNED_WHISPER}"`)
      .and.to.contain(`requires-python = ">=${OLDEST_PYTHON}"`)
    for (const [folder, lock] of [
      [ours, 'requirements-cuda.txt'],
      [tests, 'requirements-base.txt'],
    ] as const)
      for (const wanted of read(folder, 'pyproject.toml').match(/(?<=")[\w.-]+==[\w.]+(?=")/g)!)
        expect(pinned(folder, lock)).to.include(wanted)
  })

  it('differ in the libraries of NVIDIA only', () => {
    const more = pinned(ours, 'requirements-cuda.txt').filter((one) => !pinned(ours, 'requirements.txt').includes(one))
    expect(more.map((one) => one.replace(/==.*/, ''))).to.deep.equal(['nvidia-cublas-cu12', 'nvidia-cuda-nvrtc-cu12'])
    expect(pinned(ours, 'requirements-cuda.txt')).to.include.members(pinned(ours, 'requirements.txt'))
  })

  it('name no host, and have a hash for each package', () => {
    for (const [folder, name] of [
      [ours, 'requirements.txt'],
      [ours, 'requirements-cuda.txt'],
      [tests, 'requirements.txt'],
      [tests, 'requirements-base.txt'],
    ] as const) {
      const lock = read(folder, name)
      expect(lock, name).not.to.match(/:\/\/|--(extra-)?index-url|--find-links/)
      for (const block of lock.split(/^(?=\w)/m)) expect(block, name).to.match(/--hash=sha256:[0-9a-f]{64}/)
    }
  })
})

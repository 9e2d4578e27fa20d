import { expect } from 'chai'
import { downloadOf } from '#platform/python/progress.ts'

describe('what an installer says of its progress', () => {
  it('tells packages and their sizes, as uv and as pip have them', () => {
    expect(downloadOf('Downloading numpy (16.1MiB)')).to.equal('numpy, 16.1 MB')
    expect(downloadOf('  Downloading numpy-2.4.6-cp311-cp311-manylinux_2_27_x86_64.whl (16.9 MB)')).to.equal('numpy, 16.9 MB')
    expect(downloadOf('  Using cached tqdm-4.70.1-py3-none-any.whl (80 kB)')).to.equal('tqdm, 80 kB')
    const ofAnIndex = '  Downloading https://packages.example/ab/faster_whisper-1.2.1-py3-none-any.whl (1.1 MB)'
    expect(downloadOf(ofAnIndex)).to.equal('faster-whisper, 1.1 MB')
  })

  it('is silent about the rest', () => {
    for (const line of ['  Downloading numpy-2.4.6.whl.metadata (62 kB)', 'Collecting av==18.1.0', ' + numpy==2.4.6', ''])
      expect(downloadOf(line), line).to.equal(undefined)
  })
})

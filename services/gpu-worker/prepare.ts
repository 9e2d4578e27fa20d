import { readSettings } from '#platform/config/settings.ts'
import { installedListener } from '#platform/whisper/install.ts'

// For building an image: `node services/gpu-worker/prepare.ts` installs what a worker would install at its start, for
// WHISPER_DEVICE.

const { VIDWIZ_DATA: data, WHISPER_DEVICE: device } = readSettings()
const { version } = await installedListener({ data, device, onProgress: (text) => console.error(`fetching ${text}`) })
console.error(`faster-whisper ${version} is there, for ${device}`)

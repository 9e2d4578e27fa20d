import { join, relative } from 'node:path'
import { functions } from './kit/functions.ts'
import { buildZips } from './runner/zips.ts'

// `make lambdas`: builds the zips that template.yaml refers to.
const folder = join(import.meta.dirname, '..', '..', 'dist', 'lambdas')
const zips = await buildZips(
  functions.map(({ name }) => name),
  folder,
)
for (const { path, sizeBytes, sha256 } of zips)
  console.log(`${relative(process.cwd(), path)}  ${(sizeBytes / 1024).toFixed(1)} KB  sha256 ${sha256.slice(0, 12)}`)

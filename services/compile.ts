import { program } from './cli/program.ts'
import { services } from './index.ts'

// For building an image: `node services/compile.ts` loads what commands and services load, so that it lies compiled in
// NODE_COMPILE_CACHE, and no container compiles it again when it starts.

await program()
await Promise.all(Object.values(services).map((load) => load()))

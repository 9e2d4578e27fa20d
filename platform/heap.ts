import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Makes V8 allocate all objects in the young generation, where collecting the objects of a request is cheap. By default V8 may take
 * the objects of an initial burst of requests for long-lived ones and allocate similar objects in the old generation from then on;
 * there each keeps all that it references alive until the next full collection. That cost up to half of an append's time.
 */
export const allocateYoung = () => setFlagsFromString('--no-allocation-site-pretenuring')

let collect: (() => void) | undefined

/**
 * Collects all garbage. For long work that has just let go of much memory: on a machine with much memory V8 would let the heap grow
 * to several times its contents first.
 */
export function collectGarbage(): void {
  if (!collect) {
    setFlagsFromString('--expose-gc')
    collect = runInNewContext('gc') as () => void
  }
  collect()
}

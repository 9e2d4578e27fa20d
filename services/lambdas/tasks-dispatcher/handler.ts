import { readDispatcherEnvironment } from '../kit/environment.ts'
import { openDispatcher } from './tasks-dispatcher.ts'

/** Called by AWS when a transcript was stored. */
export const handler = openDispatcher(readDispatcherEnvironment(process.env))

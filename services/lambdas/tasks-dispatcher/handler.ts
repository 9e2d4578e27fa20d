import { readDispatcherEnvironment } from '../kit/environment.ts'
import { openDispatcher } from './tasks-dispatcher.ts'

/** What AWS calls when a transcript was stored. */
export const handler = openDispatcher(readDispatcherEnvironment(process.env))

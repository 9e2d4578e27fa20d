import type { FunctionComponent } from 'preact'
import { FirstScreen } from './first/first.ts'
import { OperationsScreen } from './operations.ts'
import { ParkedScreen } from './parked.ts'
import type { ScreenProps } from './props.ts'
import { ReplayScreen } from './replay.ts'
import { StoryScreen } from './story.ts'
import { TopicsScreen } from './topics.ts'

/** All screens, in the order of the navigation. `at`: the first part of the address. */
export const screens: readonly { at: string; name: string; Screen: FunctionComponent<ScreenProps> }[] = [
  { at: '', name: 'Consumers', Screen: FirstScreen },
  { at: 'parked', name: 'Parked', Screen: ParkedScreen },
  { at: 'replay', name: 'Replay', Screen: ReplayScreen },
  { at: 'story', name: 'Story', Screen: StoryScreen },
  { at: 'topics', name: 'Topics', Screen: TopicsScreen },
  { at: 'operations', name: 'Operations', Screen: OperationsScreen },
]

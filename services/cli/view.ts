import { Argument } from 'commander'
import type { View } from '#projections/engine/view.ts'
import { views } from '#projections/index.ts'

/** A view's name as an argument of a command. */
export const viewArgument = () => new Argument('<view>', 'name of a view').choices(views.map((view) => view.name))

export const viewNamed = (name: string): View => views.find((view) => view.name === name)!

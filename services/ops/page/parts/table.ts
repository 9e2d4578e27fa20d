import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { html } from '../html.ts'

export interface Column<Row> {
  /** Heading of the column; on narrow screens, label of each cell. */
  head: string
  cell(row: Row): ComponentChildren
  /** Aligned right, with digits of equal width. */
  isNumber?: boolean
  /** Tooltip of the heading. */
  help?: string
  /** More CSS classes, for example `wide`. */
  class?: string
}

export interface TableProps<Row> {
  /** Caption; for screen readers only, unless `showCaption`. */
  caption: string
  showCaption?: boolean
  columns: readonly Column<Row>[]
  rows: readonly Row[]
  keyOf(row: Row): string
  /** Content that unfolds below a row. */
  details?(row: Row): ComponentChildren
  /** Name of a row's details: `partitions of notes`. */
  detailsName?(row: Row): string
  /** Content below a row, over its whole width. */
  note?(row: Row): ComponentChildren
  classOf?(row: Row): string
  /** Column widths are fixed, set in CSS by class. */
  isSteady?: boolean
  empty?: ComponentChildren
}

/** A table that on narrow screens shows each row as a card with labelled cells. */
export function Table<Row>({
  caption,
  showCaption,
  columns,
  rows,
  keyOf,
  details,
  detailsName,
  note,
  classOf,
  isSteady,
  empty,
}: TableProps<Row>) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set())
  const toggle = (key: string) => {
    const next = new Set(open)
    if (!next.delete(key)) next.add(key)
    setOpen(next)
  }
  // Explicit roles: browsers drop the implicit ones when CSS turns rows and cells into blocks.
  return html`<table role="table" class="cardy ${isSteady ? 'steady' : ''}">
    <caption class=${showCaption ? '' : 'unseen'}>${caption}</caption>
    <thead role="rowgroup">
      <tr role="row">
        ${details && html`<th role="columnheader" class="fold"><span class="unseen">more</span></th>`}
        ${columns.map(
          ({ head, isNumber, help, class: more = '' }) =>
            html`<th role="columnheader" scope="col" key=${head} class="${isNumber ? 'right' : ''} ${more}" title=${help}>${head}</th>`,
        )}
      </tr>
    </thead>
    <tbody role="rowgroup">
      ${rows.length === 0 && html`<tr role="row"><td role="cell" class="nothing" colspan=${columns.length + 1}>${empty ?? 'nothing here'}</td></tr>`}
      ${rows.flatMap((row) => {
        const key = keyOf(row)
        const isOpen = open.has(key)
        const noted = note?.(row)
        const of = classOf?.(row) ?? ''
        return [
          html`<tr role="row" key=${key} data-key=${key} class="${of} ${noted ? 'noted' : ''}">
            ${
              details &&
              html`<td role="cell" class="fold">
                <button type="button" class="quiet" aria-expanded=${isOpen} aria-label=${detailsName?.(row) ?? `more of ${key}`} onClick=${() => toggle(key)}>
                  <span class="turn" aria-hidden="true">▸</span>
                </button>
              </td>`
            }
            ${columns.map(
              (column) =>
                html`<td role="cell" key=${column.head} data-head=${column.head} class="${column.isNumber ? 'right number' : ''} ${column.class ?? ''}">
                  ${column.cell(row)}
                </td>`,
            )}
          </tr>`,
          noted
            ? html`<tr role="row" key=${`${key} noted`} class="note ${of}">
                ${details && html`<td role="cell" class="fold"></td>`}
                <td role="cell" colspan=${columns.length}>${noted}</td>
              </tr>`
            : null,
          isOpen && details
            ? html`<tr role="row" key=${`${key} opened`} class="opened"><td role="cell" colspan=${columns.length + 1}>${details(row)}</td></tr>`
            : null,
        ]
      })}
    </tbody>
  </table>`
}

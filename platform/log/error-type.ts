import { codeOf } from '../pg/errors.ts'

/** Condition names of the Postgres error codes that data can cause, and of a few that hint at a bug of ours. */
const CONDITIONS: Record<string, string> = {
  '22001': 'string_data_right_truncation',
  '22003': 'numeric_value_out_of_range',
  '22004': 'null_value_not_allowed',
  '22007': 'invalid_datetime_format',
  '22008': 'datetime_field_overflow',
  '22012': 'division_by_zero',
  '22021': 'character_not_in_repertoire',
  '22023': 'invalid_parameter_value',
  '22030': 'duplicate_json_object_key_value',
  '22032': 'invalid_json_text',
  '22P02': 'invalid_text_representation',
  '22P03': 'invalid_binary_representation',
  '22P04': 'bad_copy_file_format',
  '22P05': 'untranslatable_character',
  '23502': 'not_null_violation',
  '23503': 'foreign_key_violation',
  '23505': 'unique_violation',
  '23514': 'check_violation',
  '23P01': 'exclusion_violation',
  '42703': 'undefined_column',
  '42804': 'datatype_mismatch',
  '42P01': 'undefined_table',
  '54000': 'program_limit_exceeded',
}

/** Type of an error: its name, and its code if it has one. Never a part of its message, which may quote the payload. */
export function typeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'not an Error'
  const code = codeOf(error)
  if (code && 'severity' in error) return ['Postgres', code, CONDITIONS[code]].filter(Boolean).join(' ')
  // A name that is not an identifier may hold any text.
  const name = /^[A-Za-z]\w{0,60}$/.test(error.name) ? error.name : 'Error'
  return code && /^[A-Z][A-Z0-9_]{1,40}$/.test(code) ? `${name} ${code}` : name
}

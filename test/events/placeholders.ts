/** What clients send when they have found no title. */
export const PLACEHOLDERS = [
  'No YouTube video title found.',
  'No YouTube video found.',
  ' no youtube video found ',
  'No YouTube\u00a0video found.',
  ' \t\u3000\n',
  '\u200b',
  'YouTube',
  ' youtube\n',
  '- YouTube',
  ' - YouTube',
  '(12) YouTube',
  '(99+) - YouTube',
  'YouTube - YouTube',
]

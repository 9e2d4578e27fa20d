export * from '#platform/whisper/install.ts'
